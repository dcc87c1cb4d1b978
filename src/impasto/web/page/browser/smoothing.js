// Abstraction: what is small and faint goes, masses remain, with their edges: as engine/preparation.py.

import { Pixels, Resized, strips } from './raster.js'

// The self-guided filter: contrasts with a variance above this stay, those below are smoothed; so many rounds.
const EDGE = 0.004, ROUNDS = 3
const ROWS = 48

// A photo of which each pixel is scaled and shifted as its surroundings want it.
export class Smoothed {
  constructor(photo, scale, shift) {
    Object.assign(this, { photo, scale, shift, size: photo.size })
  }

  window(place) {
    const scale = this.scale.window(place).data, shift = this.shift.window(place).data
    return this.photo.window(place).map((value, at) => scale[at] * value + shift[at])
  }

  // A larger one of the photo, scaled and shifted alike (He and Sun 2015).
  enlarged(photo) {
    const larger = one => new Resized(one, photo.size, { clamp: false, kernel: 'linear' })
    return new Smoothed(photo, larger(this.scale), larger(this.shift))
  }
}

// Without what is fainter than an edge and smaller than the radius, in pixels (He et al. 2013).
export function smooth(photo, radius) {
  const halo = 2 * ROUNDS * Math.ceil(radius)
  const [scale, shift] = [new Pixels(3, ...photo.size), new Pixels(3, ...photo.size)]
  for (const strip of strips(photo, Math.max(ROWS, 4 * halo))) {
    const around = strip.grown(halo, photo.size)
    const found = smoothing(photo.window(around), radius)
    scale.write(strip, around.cut(strip, found.scale))
    shift.write(strip, around.cut(strip, found.shift))
  }
  return new Smoothed(photo, scale, shift)
}

function smoothing(picture, radius) {
  let scale, shift
  for (let round = 0; round < ROUNDS; round++) {
    const mean = box(picture, radius), squares = box(picture.map(value => value * value), radius)
    const kept = squares.map((value, at) => {
      const variance = Math.max(value - mean.data[at] ** 2, 0)
      return variance / (variance + EDGE)
    })
    const a = box(kept, radius), b = box(mean.map((value, at) => value * (1 - kept.data[at])), radius)
    picture = picture.map((value, at) => b.data[at] + a.data[at] * value)
    scale = scale ? scale.map((value, at) => a.data[at] * value) : a
    shift = shift ? shift.map((value, at) => b.data[at] + a.data[at] * value) : b
  }
  return { scale, shift }
}

// Mean over a square of 2 radius + 1 pixels; the outermost ones count by their share if the radius is broken.
function box(picture, radius) {
  const area = (2 * radius + 1) ** 2
  const wide = sums(picture, radius, picture.width, picture.channels * picture.height, 1, picture.width)
  const tall = new Pixels(picture.channels, picture.height, picture.width)
  const plane = picture.height * picture.width
  for (let channel = 0; channel < picture.channels; channel++) {
    const part = new Pixels(1, picture.height, picture.width, wide.data.subarray(channel * plane, (channel + 1) * plane))
    tall.data.set(sums(part, radius, picture.height, picture.width, picture.width, 1).data, channel * plane)
  }
  return tall.map(value => value / area)
}

// Sums along lines of so many values, which lie `step` apart; lines begin `stride` apart.
function sums({ channels, height, width, data }, radius, length, lines, step, stride) {
  const found = new Pixels(channels, height, width)
  const reach = Math.ceil(radius), outermost = 1 - (reach - radius)
  const line = new Float64Array(length + 2 * reach)
  for (let number = 0; number < lines; number++) {
    const start = number * stride
    for (let at = 0; at < line.length; at++) line[at] = data[start + step * Math.min(Math.max(at - reach, 0), length - 1)]
    let sum = 0
    for (let at = 1; at < 2 * reach; at++) sum += line[at]
    for (let at = 0; at < length; at++) {
      found.data[start + step * at] = sum + outermost * (line[at] + line[at + 2 * reach])
      sum += line[at + 2 * reach] - line[at + 1]
    }
  }
  return found
}
