// Symmetric matrices of three rows, as nine numbers.

// matrix: symmetric. change: of its eigenvalues. By Jacobi's rotations.
export function changed(matrix, change) {
  const a = Float64Array.from(matrix), v = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)
  for (let round = 0; round < 30; round++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (Math.abs(a[3 * p + q]) < 1e-300) continue
      const theta = (a[4 * q] - a[4 * p]) / (2 * a[3 * p + q])
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
      const c = 1 / Math.sqrt(t * t + 1), s = t * c
      for (let k = 0; k < 3; k++) [a[3 * k + p], a[3 * k + q]] = [c * a[3 * k + p] - s * a[3 * k + q], s * a[3 * k + p] + c * a[3 * k + q]]
      for (let k = 0; k < 3; k++) [a[3 * p + k], a[3 * q + k]] = [c * a[3 * p + k] - s * a[3 * q + k], s * a[3 * p + k] + c * a[3 * q + k]]
      for (let k = 0; k < 3; k++) [v[3 * k + p], v[3 * k + q]] = [c * v[3 * k + p] - s * v[3 * k + q], s * v[3 * k + p] + c * v[3 * k + q]]
    }
  }
  const values = [0, 4, 8].map(place => change(a[place]))
  return Float64Array.from({ length: 9 }, (_, at) => {
    const row = Math.floor(at / 3), column = at % 3
    return values.reduce((sum, value, k) => sum + value * v[3 * row + k] * v[3 * column + k], 0)
  })
}

export const product = (one, other) => Float64Array.from({ length: 9 }, (_, at) => {
  const row = 3 * Math.floor(at / 3), column = at % 3
  return one[row] * other[column] + one[row + 1] * other[3 + column] + one[row + 2] * other[6 + column]
})

// The symmetric A with A S A = C: S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2.
export function transport(S, C) {
  const root = changed(S, Math.sqrt), inverse = changed(S, value => 1 / Math.sqrt(value))
  const middle = changed(product(product(root, C), root), value => Math.sqrt(Math.max(value, 0)))
  return product(product(inverse, middle), inverse)
}
