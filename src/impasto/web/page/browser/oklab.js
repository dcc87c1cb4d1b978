// Whose colours a painting has: as colour.py.

import { changed, transport } from './matrices.js'
import { clamped, Pixels } from './raster.js'

const CONES = [0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619, 0.2817188376, 0.6299787005]
const LAB = [0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099, 0.0259040371, 0.7827717662, -0.8086757660]
const FROM_CONES = inverse(CONES), FROM_LAB = inverse(LAB)
const SLACK = 1e-7, HALVINGS = 12
const FLAT = 1e-6 // variance of a colour direction below which it holds nothing to stretch

// The lightness of `painted` with the hue and chroma of `content`, in OkLab.
export function keepColours(painted, content) {
  const count = painted.height * painted.width, found = new Pixels(3, ...painted.size)
  const at = ({ data }, place) => [data[place], data[count + place], data[2 * count + place]]
  for (let place = 0; place < count; place++) {
    const [, a, b] = toOklab(at(content, place)), [light] = toOklab(at(painted, place))
    fromOklab(intoGamut([light, a, b])).forEach((value, channel) => (found.data[channel * count + place] = value))
  }
  return found
}

// `style` with the mean and covariance of the colours of `content`; both as `colours` finds them.
export function matchColours(style, own, content) {
  const spread = covariance => changed(covariance, value => Math.max(value, FLAT))
  const A = transport(spread(own.covariance), spread(content.covariance))
  const count = style.height * style.width
  return style.map((_, at) => {
    const row = Math.floor(at / count), place = at % count
    let sum = content.mean[row]
    for (let column = 0; column < 3; column++) sum += A[3 * row + column] * (style.data[column * count + place] - own.mean[column])
    return clamped(sum)
  })
}

const times = (matrix, [x, y, z]) => [0, 3, 6].map(row => matrix[row] * x + matrix[row + 1] * y + matrix[row + 2] * z)

function toOklab(rgb) {
  const linear = rgb.map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return times(LAB, times(CONES, linear).map(value => Math.cbrt(Math.max(value, 0))))
}

const linearOf = lab => times(FROM_CONES, times(FROM_LAB, lab).map(root => root ** 3))

function fromOklab(lab) {
  return linearOf(lab).map(clamped).map(value => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055))
}

const isInGamut = lab => linearOf(lab).every(value => value >= -SLACK && value <= 1 + SLACK)

// a and b scaled towards grey where sRGB ends before them.
function intoGamut([light, a, b]) {
  if (isInGamut([light, a, b])) return [light, a, b]
  let low = 0, high = 1
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2
    if (isInGamut([light, a * middle, b * middle])) low = middle
    else high = middle
  }
  return [light, a * low, b * low]
}

// Of a matrix of three rows.
function inverse([a, b, c, d, e, f, g, h, i]) {
  const adjoint = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d]
  const determinant = a * adjoint[0] + b * adjoint[3] + c * adjoint[6]
  return adjoint.map(value => value / determinant)
}
