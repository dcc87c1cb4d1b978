// What of a picture can be seen, and where each of several styles goes: as masks.py.

import { halved } from './given.js'
import { Bytes, Pixels, Resized, strips, whole } from './raster.js'

const FAINT = 8 // times the largest opacity: what a pixel needs for its colour to be its own

// {colours, opacity} of RGBA bytes, both rasters; opacity: null where all is visible, or nothing.
export function visible(bytes) {
  const { data, height, width } = bytes
  let least = 255, most = 0
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] < least) least = data[at]
    if (data[at] > most) most = data[at]
  }
  const colours = new Bytes(data, height, width)
  if (least === 255 || most === 0) return { colours, opacity: null }
  const opacity = new Bytes(data, height, width, 3, 1)
  const known = opacity.window(whole(opacity)).map(value => Math.min((value / (most / 255)) * FAINT, 1))
  const plane = height * width
  return { colours: filled(colours.window(whole(colours)).map((value, at) => value * known.data[at % plane]), known), opacity }
}

// Colours for every position: its own as far as it is known, else the mean of the smallest square around it in which
// there are any. sums: colours times `known`.
function filled(sums, known) {
  const plane = known.height * known.width
  if (Math.max(...known.size) === 1 || known.data.every(value => value === 1)) return sums.map((value, at) => value / known.data[at % plane])
  const share = halved(known), small = share.height * share.width
  // A square of which a quarter is known is known: its colours are those next to what is not.
  const weight = share.map(value => Math.min(4 * value, 1))
  const means = halved(sums).map((value, at) => (value / Math.max(share.data[at % small], 1e-38)) * weight.data[at % small])
  const coarse = filled(means, weight)
  const around = new Resized(coarse, [2 * coarse.height, 2 * coarse.width], { clamp: false, kernel: 'linear' })
    .window(whole(known)).data
  return sums.map((value, at) => value + (1 - known.data[at % plane]) * around[at])
}

// How light a mask is, 0 where it is transparent.
class Lightness {
  constructor({ data, height, width }) {
    Object.assign(this, { size: [height, width], bytes: new Bytes(data, height, width, 0, 4) })
  }

  window(place) {
    const { data, height, width } = this.bytes.window(place), plane = height * width
    return new Pixels(1, height, width).map((_, at) => (0.299 * data[at] + 0.587 * data[plane + at] + 0.114 * data[2 * plane + at]) * data[3 * plane + at])
  }
}

// How much of each position is one style's, where masks overlap or leave something.
class Region {
  constructor(masks, own, size) {
    Object.assign(this, { masks, own, size })
  }

  window(place) {
    const parts = this.masks.map(mask => mask.window(place).data)
    const total = new Pixels(1, ...place.size).map((_, at) => parts.reduce((sum, part) => sum + part[at], 0))
    if (this.own === null) return total.map(sum => Math.max(1 - sum, 0))
    return total.map((sum, at) => parts[this.own][at] / Math.max(sum, 1))
  }
}

// A mask for each style, whose sum is nowhere above 1. masks: RGBA bytes; null for what the others leave.
export function regions(masks, size) {
  const known = masks.filter(Boolean).map(mask => new Resized(new Lightness(mask), size))
  let place = 0
  return masks.map(mask => new Region(known, mask ? place++ : null, size))
}

// How much of each position is any style's.
export class Covered {
  constructor(masks) {
    Object.assign(this, { masks, size: masks[0].size })
  }

  window(place) {
    const parts = this.masks.map(mask => mask.window(place).data)
    return new Pixels(1, ...place.size).map((_, at) => Math.min(parts.reduce((sum, part) => sum + part[at], 0), 1))
  }
}

// Mean and covariance of what can be seen are asked for a few rows at a time.
export function* rows(raster, opacity) {
  for (const place of strips(raster)) yield [raster.window(place), opacity && opacity.window(place)]
}
