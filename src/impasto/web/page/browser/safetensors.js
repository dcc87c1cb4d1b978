// Files of weights: a header in JSON, and after it the values.

// {arrays: {name: {shape, data}}, about}: of float32 and float16. about: what impasto wrote of them.
export function parsed(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true))
  const { __metadata__: metadata, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)))
  const arrays = {}
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)) {
    const bytes = buffer.slice(8 + length + start, 8 + length + end)
    arrays[name] = { shape, data: dtype === 'F16' ? Float32Array.from(new Uint16Array(bytes), widened) : new Float32Array(bytes) }
  }
  return { arrays, about: JSON.parse(metadata?.impasto ?? 'null') }
}

// The value of a number in half precision.
function widened(half) {
  const exponent = (half >> 10) & 31, fraction = half & 1023
  const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24
  return half & 0x8000 ? -size : size
}
