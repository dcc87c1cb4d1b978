// What the decoder is given at each place of a picture: as engine/given.py.

import { Pixels } from './raster.js'
import { exchangeByLayer, statisticsByLayer } from './statistics.js'

// How often the picture is halved where this layer or convolution is: 'relu4_1' → 3.
export const level = name => Number(name[4]) - 1

// One style for all of it. exchange, modulation: {name: {scale, shift}}, a number for each channel.
export class Given {
  constructor(exchange, modulation) {
    Object.assign(this, { exchange, modulation })
  }

  exchanging() {
    return this.exchange
  }

  at() {
    return this
  }
}

// The style's statistics themselves, for a picture that is all there.
export class AtOnce extends Given {
  constructor(style, modulation, gain) {
    super(null, modulation)
    Object.assign(this, { style, gain })
  }

  // own: moments of the picture's features.
  exchanging(own) {
    return exchangeByLayer(this.style, statisticsByLayer(own), this.gain)
  }
}

// Every style in its own region. regions: [[mask, given]]. plain: the modulation where no style is; features are left as
// they are there.
export class InRegions {
  constructor(regions, strength, plain) {
    Object.assign(this, { regions, strength, plain })
  }

  // Maps: every region's in its own share, and what is plain in the rest.
  at(place) {
    const shares = this.regions.map(([mask]) => halvings(mask.window(place).map(share => this.strength * share)))
    const given = this.regions.map(([, one]) => one)
    const exchange = {}, modulation = {}
    for (const [name, { scale, shift }] of Object.entries(given[0].exchange)) {
      const nothing = { scale: scale.map(() => 1), shift: shift.map(() => 0) }
      exchange[name] = mixed(nothing, given.map(one => one.exchange[name]), shares, name)
    }
    for (const [name, plain] of Object.entries(this.plain)) {
      modulation[name] = mixed(plain, given.map(one => one.modulation[name]), shares, name)
    }
    return new Given(exchange, modulation)
  }

  // How much of each pixel is no style's.
  rest(place) {
    const masks = this.regions.map(([mask]) => mask.window(place).data)
    return new Pixels(1, ...place.size).map((_, at) => Math.max(1 - this.strength * masks.reduce((sum, mask) => sum + mask[at], 0), 0))
  }
}

// The mask at the sizes of the encoder's four blocks.
function halvings(mask) {
  const levels = [mask]
  while (levels.length < 4) levels.push(halved(levels.at(-1)))
  return levels
}

// Means of what there is of two rows and two columns.
export function halved({ channels, height, width, data }) {
  const found = new Pixels(channels, Math.ceil(height / 2), Math.ceil(width / 2))
  let to = 0
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row += 2) {
      const first = (channel * height + row) * width, second = (channel * height + Math.min(row + 1, height - 1)) * width
      for (let left = 0; left < width; left += 2) {
        const right = Math.min(left + 1, width - 1)
        found.data[to++] = 0.25 * (data[first + left] + data[first + right] + data[second + left] + data[second + right])
      }
    }
  }
  return found
}

function mixed(plain, styles, shares, name) {
  const masks = shares.map(levels => levels[level(name)])
  const [height, width] = masks[0].size
  const map = kind => {
    const found = new Pixels(plain[kind].length, height, width)
    plain[kind].forEach((start, channel) => {
      const values = found.data.subarray(channel * height * width, (channel + 1) * height * width).fill(start)
      styles.forEach((style, one) => {
        const difference = style[kind][channel] - start, { data } = masks[one]
        for (let at = 0; at < values.length; at++) values[at] += data[at] * difference
      })
    })
    return found
  }
  return { scale: map('scale'), shift: map('shift') }
}
