// Pictures of which only the part that is needed is looked at: as engine/raster.py.

const BLOCK = 32 // lines that are made at a time where a picture is held

// A part of a picture: rows from top to bottom, columns from left to right, without the last ones.
export class Window {
  constructor(top, left, bottom, right) {
    Object.assign(this, { top, left, bottom, right })
  }

  get size() {
    return [this.bottom - this.top, this.right - this.left]
  }

  // With so many pixels more on each side, as far as a picture of this size has them.
  grown(border, [height, width]) {
    return new Window(Math.max(0, this.top - border), Math.max(0, this.left - border), Math.min(height, this.bottom + border), Math.min(width, this.right + border))
  }

  // Of the pixels of this window, those of another one inside of it.
  cut(other, pixels) {
    return pixels.part(other.top - this.top, other.left - this.left, ...other.size)
  }
}

// Values of channels, one plane after the other.
export class Pixels {
  constructor(channels, height, width, data = new Float32Array(channels * height * width)) {
    Object.assign(this, { channels, height, width, data })
  }

  get size() {
    return [this.height, this.width]
  }

  part(top, left, height, width) {
    if (height === this.height && width === this.width) return this
    const found = new Pixels(this.channels, height, width)
    for (let channel = 0, to = 0; channel < this.channels; channel++) {
      for (let row = 0; row < height; row++, to += width) {
        const from = (channel * this.height + top + row) * this.width + left
        found.data.set(this.data.subarray(from, from + width), to)
      }
    }
    return found
  }

  // A raster of itself.
  window({ top, left, bottom, right }) {
    return this.part(top, left, bottom - top, right - left)
  }

  write({ top, left }, pixels) {
    for (let channel = 0, from = 0; channel < this.channels; channel++) {
      for (let row = 0; row < pixels.height; row++, from += pixels.width) {
        this.data.set(pixels.data.subarray(from, from + pixels.width), (channel * this.height + top + row) * this.width + left)
      }
    }
  }

  // change: called with the value and its place.
  map(change) {
    const found = new Pixels(this.channels, this.height, this.width)
    const { data } = this
    for (let place = 0; place < data.length; place++) found.data[place] = change(data[place], place)
    return found
  }
}

export const clamped = value => (value < 0 ? 0 : value > 1 ? 1 : value)

// RGBA bytes as a canvas has them. first, count: of the channels.
export class Bytes {
  constructor(data, height, width, first = 0, count = 3) {
    Object.assign(this, { data, size: [height, width], first, count })
  }

  window({ top, left, bottom, right }) {
    const found = new Pixels(this.count, bottom - top, right - left)
    const width = this.size[1]
    let to = 0
    for (let channel = this.first; channel < this.first + this.count; channel++) {
      for (let row = top; row < bottom; row++) {
        for (let from = 4 * (row * width + left) + channel, column = left; column < right; column++, from += 4) found.data[to++] = this.data[from] / 255
      }
    }
    return found
  }
}

// Another picture at another size: bicubic or by a triangle, antialiased.
export class Resized {
  constructor(source, size, { clamp = true, kernel = 'cubic' } = {}) {
    Object.assign(this, { source, size, clamp, kernel })
  }

  window(place) {
    const { source, size: [height, width], kernel } = this
    if (source.size[0] === height && source.size[1] === width) return source.window(place)
    const rows = taps(source.size[0], height, kernel), columns = taps(source.size[1], width, kernel)
    const [top, bottom] = reach(rows, place.top, place.bottom), [left, right] = reach(columns, place.left, place.right)
    const part = source.window(new Window(top, left, bottom, right))
    const wide = broadened(heightened(part, rows, place.top, place.bottom, top), columns, place.left, place.right, left)
    if (this.clamp) for (let at = 0; at < wide.data.length; at++) wide.data[at] = clamped(wide.data[at])
    return wide
  }
}

function heightened(part, { first, weights, count }, start, stop, top) {
  const tall = new Pixels(part.channels, stop - start, part.width)
  for (let channel = 0, to = 0; channel < part.channels; channel++) {
    for (let row = start; row < stop; row++, to += part.width) {
      for (let tap = 0; tap < count; tap++) {
        const weight = weights[row * count + tap]
        if (!weight) continue
        const from = (channel * part.height + first[row] + tap - top) * part.width
        for (let column = 0; column < part.width; column++) tall.data[to + column] += weight * part.data[from + column]
      }
    }
  }
  return tall
}

function broadened(tall, { first, weights, count, lines }, start, stop, left) {
  const wide = new Pixels(tall.channels, tall.height, stop - start)
  for (let row = 0, to = 0; row < tall.channels * tall.height; row++) {
    for (let column = start; column < stop; column++) {
      const from = row * tall.width + first[column] - left, most = Math.min(count, lines - first[column])
      let sum = 0
      for (let tap = 0; tap < most; tap++) sum += weights[column * count + tap] * tall.data[from + tap]
      wide.data[to++] = sum
    }
  }
  return wide
}

// Lines of the source that those from start to stop are made of.
const reach = ({ first, count, lines }, start, stop) => [first[start], Math.min(lines, first[stop - 1] + count)]

const known = new Map()

// Keys' cubic with a = -0.5 or a triangle, widened where the picture becomes smaller. first: of the source's lines for
// each line; weights: of it and those after it.
function taps(source, target, kernel) {
  const key = `${source} ${target} ${kernel}`
  if (!known.has(key)) {
    if (known.size > 32) known.clear()
    known.set(key, weighed(source, target, kernel))
  }
  return known.get(key)
}

function weighed(source, target, kernel) {
  const scale = source / target, wider = Math.max(1, scale)
  const width = (kernel === 'cubic' ? 2 : 1) * wider
  const count = Math.ceil(2 * width) + 1
  const first = new Int32Array(target), weights = new Float32Array(target * count)
  for (let line = 0; line < target; line++) {
    const centre = scale * (line + 0.5)
    first[line] = Math.max(Math.trunc(centre - width + 0.5), 0)
    const last = Math.min(Math.trunc(centre + width + 0.5), source)
    const values = Array.from({ length: count }, (_, tap) => {
      const place = first[line] + tap
      return place < last ? curve(Math.abs((place - centre + 0.5) / wider), kernel) : 0
    })
    const total = values.reduce((sum, value) => sum + value, 0)
    values.forEach((value, tap) => (weights[line * count + tap] = value / total))
  }
  return { first, weights, count, lines: source }
}

function curve(x, kernel) {
  if (kernel === 'linear') return Math.max(1 - x, 0)
  return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
}

// Two masks, one within the other.
export class Product {
  constructor(first, second) {
    Object.assign(this, { first, second, size: first.size })
  }

  window(place) {
    const other = this.second.window(place)
    return this.first.window(place).map((value, at) => value * other.data[at])
  }
}

// Another picture whose last row and column are repeated up to a size.
export class Extended {
  constructor(source, size) {
    Object.assign(this, { source, size })
  }

  window({ top, left, bottom, right }) {
    const [height, width] = this.source.size
    const all = this.source.window(new Window(0, 0, height, width))
    const found = new Pixels(all.channels, bottom - top, right - left)
    let to = 0
    for (let channel = 0; channel < all.channels; channel++) {
      for (let row = top; row < bottom; row++) {
        const from = (channel * height + Math.min(row, height - 1)) * width
        for (let column = left; column < right; column++) found.data[to++] = all.data[from + Math.min(column, width - 1)]
      }
    }
    return found
  }
}

export const whole = ({ size }) => new Window(0, 0, ...size)

// Rows of a raster, a few at a time.
export function* strips({ size: [height, width] }, rows = BLOCK) {
  for (let top = 0; top < height; top += rows) yield new Window(top, 0, Math.min(top + rows, height), width)
}

// Held in memory, made a few rows at a time.
export function materialised(raster) {
  if (raster instanceof Pixels) return raster
  let held
  for (const place of strips(raster)) {
    const rows = raster.window(place)
    held ??= new Pixels(rows.channels, ...raster.size)
    held.write(place, rows)
  }
  return held
}

// Sum over all positions of a mask.
export function total(mask) {
  let sum = 0
  for (const place of strips(mask)) for (const value of mask.window(place).data) sum += value
  return sum
}
