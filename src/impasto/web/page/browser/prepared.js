// The photo as the network sees it, and paintings that are made larger: as engine/preparation.py.

import { recoloured, within } from './colours.js'
import { clamped } from './raster.js'
import { rounded } from './sizes.js'

// Width in pixels of the strokes that the decoder paints.
const STROKE = 8

// A smoothed photo in other colours, within [0, 1]. maps: one for all of it, or one for each of the regions, outside of
// which the photo itself is seen.
export class Recoloured {
  constructor(smoothed, photo, maps, regions = [], strength = 1) {
    Object.assign(this, { smoothed, photo, maps, regions, strength, size: smoothed.size })
  }

  window(place) {
    const plain = this.smoothed.window(place)
    if (!this.regions.length) return within(recoloured(plain, this.maps[0]), plain)
    const photo = this.photo.window(place), positions = photo.height * photo.width
    const sum = photo.map(value => value)
    this.maps.forEach((map, one) => {
      const share = this.regions[one].window(place).data, moved = within(recoloured(plain, map), plain).data
      for (let at = 0; at < moved.length; at++) sum.data[at] += this.strength * share[at % positions] * (moved[at] - photo.data[at])
    })
    return sum.map(clamped)
  }
}

// A smaller painting with the edges that the photo has at this size, within [0, 1].
export class Enlarged {
  constructor(prepared, difference) {
    Object.assign(this, { prepared, difference, size: prepared.size })
  }

  window(place) {
    const difference = this.difference.window(place).data
    return this.prepared.window(place).map((value, at) => clamped(value + difference[at]))
  }
}

// The sizes that a picture is painted at, one after the other: the first has strokes of the wanted share of its shorter
// side, each next is about twice as large, the last is the picture's own.
export function octaves([height, width], stroke) {
  const ratio = (Math.min(height, width) * stroke) / STROKE
  if (ratio < Math.SQRT2) return [[height, width]]
  const count = Math.max(1, rounded(Math.log2(ratio)))
  return Array.from({ length: count + 1 }, (_, step) => {
    const share = ratio ** (step / count - 1)
    return [height, width].map(side => Math.max(1, rounded(side * share)))
  })
}
