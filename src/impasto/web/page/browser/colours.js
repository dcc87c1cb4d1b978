// The painting's colours for the photo, before the network sees it: as engine/preparation.py.

import { transport } from './matrices.js'
import { Pixels } from './raster.js'

// Variance of a colour direction below which it holds nothing to stretch.
const FLAT = 1e-4

// Values that are closer to black or white than this approach it only.
const SHOULDER = 0.15

// Mean and covariance of all parts of a picture. parts: [pixels, how much each position counts, or null].
export function colours(parts) {
  let total = 0
  const sums = new Float64Array(3), products = new Float64Array(9)
  for (const [{ data, height, width }, shares] of parts) {
    const count = height * width
    for (let place = 0; place < count; place++) {
      const share = shares ? shares.data[place] : 1
      if (!share) continue
      // About the middle, so that little is lost where squares are subtracted.
      const r = data[place] - 0.5, g = data[count + place] - 0.5, b = data[2 * count + place] - 0.5
      total += share
      sums[0] += share * r
      sums[1] += share * g
      sums[2] += share * b
      products[0] += share * r * r
      products[1] += share * r * g
      products[2] += share * r * b
      products[4] += share * g * g
      products[5] += share * g * b
      products[8] += share * b * b
    }
  }
  const mean = sums.map(sum => sum / total)
  ;[products[3], products[6], products[7]] = [products[1], products[2], products[5]]
  const covariance = products.map((sum, at) => sum / total - mean[Math.floor(at / 3)] * mean[at % 3])
  return { mean: Float32Array.from(mean, value => value + 0.5), covariance: Float32Array.from(covariance) }
}

// The linear map {A, shift} of colours that moves them least (Pitié and Kokaram 2007).
export function recolouring(own, target) {
  const A = transport(floored(own.covariance), floored(target.covariance))
  const shift = [0, 1, 2].map(row => target.mean[row] - [0, 1, 2].reduce((sum, column) => sum + A[3 * row + column] * own.mean[column], 0))
  return { A, shift }
}

const floored = matrix => Float64Array.from(matrix, (value, at) => value + (at % 4 ? 0 : FLAT))

// Not clamped.
export function recoloured({ data, height, width }, { A, shift }) {
  const found = new Pixels(3, height, width), count = height * width
  for (let row = 0; row < 3; row++) {
    const [r, g, b] = A.subarray(3 * row, 3 * row + 3)
    for (let place = 0; place < count; place++) {
      found.data[row * count + place] = r * data[place] + g * data[count + place] + b * data[2 * count + place] + shift[row]
    }
  }
  return found
}

// `moved`, changed in place so that it is in [0, 1]: what a map moves beyond black or white approaches it instead.
export function within(moved, photo) {
  moved.data.forEach((value, at) => {
    for (const [sign, end] of [[1, 0], [-1, 1]]) {
      const left = sign * (value - end), shoulder = Math.min(Math.max(sign * (photo.data[at] - end), 1e-6), SHOULDER)
      if (left < shoulder) value = end + sign * shoulder * Math.exp(left / shoulder - 1)
    }
    moved.data[at] = value
  })
  return moved
}
