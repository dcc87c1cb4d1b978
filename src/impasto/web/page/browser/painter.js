// How one painting is made: prepare the photo, exchange statistics, decode; tile by tile, octave by octave: as
// engine/painter.py.

import { colours, recolouring } from './colours.js'
import { AtOnce, Given, InRegions } from './given.js'
import { ground } from './ground.js'
import { Enlarged, octaves, Recoloured } from './prepared.js'
import { Extended, materialised, Pixels, Product, Resized, total, whole, Window } from './raster.js'
import { smooth } from './smoothing.js'
import { blend, blendColours, exchangeByLayer, merged, statisticsByLayer, statisticsOf } from './statistics.js'
import { MULTIPLE, tiles } from './tiles.js'

const SMOOTHED = 1 / 128 // radius that a photo is smoothed by where none of its detail is wanted, of the shorter side
const FINER = 0.8, STILL = MULTIPLE // of a pass over an enlarged painting, and the squares whose mean colours it leaves
export const LEAST = 9 // sides that leave two positions after all poolings, which is what reflection needs

export class Painter {
  // backend: {encode, paint, draw, strokes, conditioning, grounded, halo, encoderHalo, gain}. style: the only one, or a blend. regions:
  // instead, [[style, mask]]. opacity: a mask, or null. drawing: how much strokes are drawn out; null as detail is left out. side: of the square that nothing larger than is painted at once.
  constructor(settings) {
    Object.assign(this, { style: null, regions: [], opacity: null, drawing: null }, settings)
  }

  // write: called with parts of the painting and their windows, not clamped. step: called after each tile, and awaited.
  async stream(photo, write, step = () => {}) {
    if (Math.min(...photo.size) < LEAST) {
      const size = photo.size.map(side => Math.max(LEAST, side))
      return this.#seen(raster => new Extended(raster, size)).stream(new Extended(photo, size), (place, part) => {
        const core = place.grown(0, photo.size)
        if (core.size.every(side => side > 0)) write(core, place.cut(core, part))
      }, step)
    }
    const sizes = octaves(photo.size, this.stroke)
    const radius = SMOOTHED * Math.min(...sizes[0]) * (1 - this.#kept)
    let first, own, difference
    for (const size of sizes) {
      const painter = this.#seen(raster => new Resized(raster, size))
      const isLast = size === sizes.at(-1)
      const seen = isLast ? photo : materialised(new Resized(photo, size))
      let plain = seen
      if (radius > 0) plain = first ? first.enlarged(seen) : (first = smooth(seen, radius))
      plain = this.#atOnce(plain)
      own ??= painter.#colours(plain)
      const prepared = this.#atOnce(painter.#prepared(plain, seen, own))
      const parts = difference ? painter.#finer(new Enlarged(prepared, new Resized(difference, size, { clamp: false }))) : painter.#painted(prepared, seen)
      const larger = isLast ? null : new Pixels(3, ...size)
      for await (const { core, painted } of parts) {
        if (isLast) write(core, painted)
        else {
          const before = prepared.window(core).data
          larger.write(core, painted.map((value, at) => value - before[at]))
        }
        await step()
      }
      difference = larger
    }
  }

  // How many tiles `stream` paints.
  steps(photo) {
    return octaves(photo.size, this.stroke).reduce((sum, size, octave) => sum + tiles(size, this.#halo + (octave && STILL), this.side).length, 0)
  }

  // What is one tile is made only once.
  #atOnce(raster) {
    const [height, width] = raster.size
    return height * width <= this.side ** 2 ? raster.window(whole(raster)) : raster
  }

  // The detail that stays: without any style all of it does.
  get #kept() {
    return 1 - Math.min(1, this.strength) * (1 - this.detail)
  }

  #with(changes) {
    return new Painter({ ...this, ...changes })
  }

  // The same with other masks.
  #seen(change) {
    return this.#with({ opacity: this.opacity && change(this.opacity), regions: this.regions.map(([style, mask]) => [style, change(mask)]) })
  }

  // Of the photo, in each region.
  #colours(plain) {
    if (this.style) return [this.#coloursOf(plain, this.opacity)]
    return this.regions.map(([, mask]) => this.#shown(mask)).map(shares => this.#coloursOf(plain, total(shares) >= 1 ? shares : this.opacity))
  }

  #coloursOf(plain, shares) {
    function* parts(side) {
      for (const { core } of tiles(plain.size, 0, side)) yield [plain.window(core), shares && shares.window(core)]
    }
    return colours(parts(this.side))
  }

  // The photo as masses in the painting's colours.
  #prepared(plain, photo, own) {
    const share = Math.min(1, this.strength)
    if (this.style) {
      const target = blendColours([this.style.colours, own[0]], [share, 1 - share])
      return new Recoloured(plain, photo, [recolouring(own[0], target)])
    }
    const maps = this.regions.map(([style], one) => recolouring(own[one], style.colours))
    return new Recoloured(plain, photo, maps, this.regions.map(([, mask]) => mask), share)
  }

  // Yields {core, place, under, painted}: what no other part is of; where the pixels are, which may reach further; what
  // the network saw, and what it made of that.
  async *#painted(prepared, photo, margin = 0) {
    const { size } = prepared
    const cut = tiles(size, this.#halo + margin, this.side)
    const { given, plain } = (cut.length === 1 && this.#givenAtOnce()) || (await this.#given(prepared, photo))
    for (const { core, place } of cut) {
      const pixels = prepared.window(place), wanted = core.grown(margin, size)
      let painted = await this.#decoded(pixels, given, place)
      if (plain) painted = await this.#givenBack(painted, photo.window(place), given, plain, place)
      if (this.#drawn > 0) painted = await this.backend.draw(painted, pixels, ...this.#strokes(place, size))
      yield { core, place: wanted, under: place.cut(wanted, pixels), painted: place.cut(wanted, painted) }
    }
  }

  // How much strokes are drawn out.
  get #drawn() {
    return this.drawing ?? Math.min(1, (1 - this.#kept) / this.backend.strokes.full)
  }

  // Pixels around a tile that what is painted in it depends on.
  get #halo() {
    return this.backend.halo + (this.#drawn > 0 ? this.backend.strokes.halo : 0)
  }

  // Their reach at each pixel of a place of the picture of this size, the share of what is done to plain places, and the
  // contrast, of which several styles are given their mean.
  #strokes(place, size) {
    const { short, long, small } = this.backend.strokes, drawn = this.#drawn
    const reach = style => drawn * (short + (long - short) * style.length) * Math.sqrt(Math.min(1, Math.min(...size) / small))
    const styles = this.style ? [this.style] : this.regions.map(([style]) => style)
    const contrast = styles.reduce((sum, { colours }) => sum + this.#contrast(colours.covariance), 0) / styles.length
    if (this.style) return [reach(this.style), drawn, contrast]
    const shares = this.regions.map(([style, mask]) => [reach(style), mask.window(place).data])
    const sum = (at, of) => shares.reduce((total, [reach, share]) => total + of(reach) * share[at], 0)
    const map = of => new Pixels(1, ...place.size).map((_, at) => of(at))
    return [map(at => sum(at, reach => reach)), map(at => Math.min(1, sum(at, () => drawn))), contrast]
  }

  // Of a picture, in terms of the usual. covariance: of its colours.
  #contrast(covariance) {
    const { luma, usualDeviation, leastContrast } = this.backend.strokes
    const variance = covariance.reduce((sum, value, at) => sum + luma[Math.floor(at / 3)] * luma[at % 3] * value, 0)
    return Math.max(leastContrast, Math.sqrt(Math.max(0, variance)) / usualDeviation)
  }

  // What the decoder cannot repeat is given back where there is no style, so that that is the photo.
  async #givenBack(painted, original, given, plain, place) {
    const rest = given instanceof InRegions ? given.rest(place).data : [1 - this.strength]
    if (!rest.some(share => share)) return painted
    const repeated = (await this.#decoded(original, plain, place)).data
    return painted.map((value, at) => value + rest[at % rest.length] * (original.data[at] - repeated[at]))
  }

  #decoded(pixels, given, place) {
    const grounds = Object.fromEntries(Object.entries(this.backend.grounded).map(([name, block]) => {
      const size = place.size.map(side => Math.ceil(side / 2 ** (block - 1)))
      return [name, ground(size, block, place.top >> (block - 1), place.left >> (block - 1))]
    }))
    return this.backend.paint(pixels, given.at(place), grounds)
  }

  // What the decoder is given of a picture whose own statistics need not be known before; null if they do.
  #givenAtOnce() {
    if (!this.style || this.strength !== 1 || this.opacity) return null
    const { statistics } = this.style, { conditioning, gain } = this.backend
    return { given: new AtOnce(statistics, conditioning.of(statistics, this.#kept), gain) }
  }

  // What the decoder is given of the prepared photo, and of the photo for what no style is seen in.
  async #given(prepared, photo) {
    const { conditioning, gain } = this.backend
    const own = statisticsByLayer(await this.#moments(prepared, this.opacity))
    if (this.style) {
      const { statistics } = this.style
      const code = this.strength === 1 ? statistics : blend([statistics, own], [this.strength, 1 - this.strength])
      const given = new Given(exchangeByLayer(code, own, gain), conditioning.of(code, this.#kept))
      if (this.strength >= 1) return { given }
      return { given, plain: this.#plain(statisticsByLayer(await this.#moments(photo, this.opacity))) }
    }
    const regions = []
    for (const [{ statistics }, mask] of this.regions) {
      const there = await this.#moments(prepared, this.#shown(mask))
      // A region of less than one position has no statistics of its own.
      const seen = Object.fromEntries(Object.keys(own).map(layer => [layer, there[layer].total >= 1 ? statisticsOf(there[layer]) : own[layer]]))
      regions.push([mask, new Given(exchangeByLayer(statistics, seen, gain), conditioning.of(statistics, this.#kept))])
    }
    const plain = this.#plain(own)
    return { given: new InRegions(regions, this.strength, plain.modulation), plain }
  }

  // Features as they are.
  #plain(own) {
    const same = Object.fromEntries(Object.entries(own).map(([layer, { mean }]) => [layer, { scale: mean.map(() => 1), shift: mean.map(() => 0) }]))
    return new Given(same, this.backend.conditioning.of(own))
  }

  // Of what of a picture counts.
  async #moments(picture, shares) {
    const cut = tiles(picture.size, this.backend.encoderHalo, this.side)
    if (cut.length === 1) return this.backend.encode(picture.window(whole(picture)), shares && shares.window(whole(picture)))
    const parts = []
    for (const { core, place } of cut) {
      const counted = new Pixels(1, ...place.size)
      const inside = new Window(core.top - place.top, core.left - place.left, 0, 0)
      counted.write(inside, shares ? shares.window(core) : new Pixels(1, ...core.size).map(() => 1))
      parts.push(await this.backend.encode(picture.window(place), counted))
    }
    return merged(parts)
  }

  // How much each position of a region counts.
  #shown(mask) {
    return this.opacity ? new Product(mask, this.opacity) : mask
  }

  // An enlarged painting with what a pass over it adds: strokes of this size, in the colours that are there.
  async *#finer(base) {
    const amount = FINER * Math.min(1, this.strength)
    for await (const part of this.#with({ strength: 1, detail: 1, drawing: this.#drawn }).#painted(base, base, STILL)) {
      const added = part.painted.map((value, at) => value - part.under.data[at])
      const means = localMeans(added).data
      const painted = added.map((value, at) => part.under.data[at] + amount * (value - means[at]))
      yield { ...part, painted: part.place.cut(part.core, painted) }
    }
  }

  // {layer: statistics} of a painting of any size.
  async encoded(painting) {
    const size = painting.size.map(side => Math.max(LEAST, side))
    const opacity = this.opacity && new Extended(this.opacity, size)
    return statisticsByLayer(await this.#moments(new Extended(painting, size), opacity))
  }
}

// Means of squares, interpolated between their middles.
function localMeans({ channels, height, width, data }) {
  const means = new Pixels(channels, Math.ceil(height / STILL), Math.ceil(width / STILL))
  for (let row = 0; row < channels * height; row++) {
    const channel = Math.floor(row / height), line = row % height
    const to = (channel * means.height + Math.floor(line / STILL)) * means.width
    for (let column = 0; column < width; column++) means.data[to + Math.floor(column / STILL)] += data[row * width + column]
  }
  for (let place = 0; place < means.data.length; place++) {
    const row = Math.floor(place / means.width) % means.height, column = place % means.width
    means.data[place] /= Math.min(STILL, height - row * STILL) * Math.min(STILL, width - column * STILL)
  }
  const larger = new Resized(means, [means.height * STILL, means.width * STILL], { clamp: false, kernel: 'linear' })
  return larger.window(new Window(0, 0, height, width))
}
