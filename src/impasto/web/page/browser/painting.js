// One photo, painted as it is wished for: what api.py and the method's stylizer do.

import { Refusal } from '../refusal.js'
import { colours } from './colours.js'
import { Covered, regions, rows, visible } from './opacity.js'
import { keepColours, matchColours } from './oklab.js'
import { LEAST, Painter } from './painter.js'
import { clamped, materialised, Resized, whole } from './raster.js'
import { fit, rounded } from './sizes.js'
import { blended } from './statistics.js'

// A style's shorter side is brought to so many pixels; the second bounds the longer side of a strip.
const STYLE_SIDE = 512, STYLE_LENGTH = 2048

// Side of the largest square that is painted at once: less where each style has its own place, which takes maps.
const SIDE = 1024, SIDE_IN_REGIONS = 512

const USUAL = 0.5 // length of strokes of a painting that is too small to see any

// photo, masks: RGBA bytes, {data, height, width}; null among the masks for what the others leave. styles: encoded, or
// {bytes}. options: all that the page offers, with defaults. step: called with the number of tiles, and awaited.
// megapixels: the most that are painted. Returns RGBA bytes.
export async function painted(backend, { photo, styles, masks, options, megapixels, side }, step) {
  const own = [photo.height, photo.width]
  const size = options.size ? fit(own, options.size) : own
  if (size[0] * size[1] > megapixels * 1e6) throw new Refusal('too-large', `a painting has at most ${megapixels} megapixels here`)
  const { colours: all, opacity: seen } = visible(photo)
  const sized = raster => (raster && (size === own ? raster : materialised(new Resized(raster, size))))
  const content = sized(all), opacity = sized(seen)
  const codes = []
  for (const style of styles) codes.push(style.bytes ? await encoded(backend, style.bytes, options, [content, opacity]) : style)
  const shares = masks.length ? regions(masks, size) : []
  const painter = new Painter({
    backend, opacity, ...options, side: side ?? (masks.length ? SIDE_IN_REGIONS : SIDE),
    style: shares.length ? null : blended(codes, weighed(options.style_blend, codes.length)),
    regions: shares.map((share, one) => [codes[one], share]),
  })
  const result = { data: new Uint8ClampedArray(4 * size[0] * size[1]), height: size[0], width: size[1] }
  const covered = shares.length ? new Covered(shares) : null
  const total = painter.steps(content)
  let done = 0
  await painter.stream(content, (place, part) => {
    put(result, place, finished(part.map(clamped), content.window(place), covered?.window(place), options.colour), opacity?.window(place))
  }, () => step(++done, total))
  return result
}

// What is done to what was painted: colours, and where no style goes the photo itself.
function finished(part, content, covered, colour) {
  const kept = colour === 'keep' ? keepColours(part, content) : part
  const plane = part.height * part.width
  return covered ? kept.map((value, at) => content.data[at] + covered.data[at % plane] * (value - content.data[at])) : kept
}

function put(result, place, { data, height, width }, opacity) {
  for (let row = 0, from = 0; row < height; row++) {
    for (let column = 0; column < width; column++, from++) {
      const to = 4 * ((place.top + row) * result.width + place.left + column)
      for (let channel = 0; channel < 3; channel++) result.data[to + channel] = 255 * data[channel * height * width + from]
      result.data[to + 3] = opacity ? 255 * opacity.data[from] : 255
    }
  }
}

// 'A,B': in which shares styles are mixed; without, in equal ones.
function weighed(text, count) {
  const weights = text ? String(text).split(',').map(Number) : Array(count).fill(1)
  const sum = weights.reduce((one, other) => one + other, 0)
  return weights.map(weight => weight / sum)
}

// A painting as a style. content: colours and opacity of the photo, whose colours it is given if that is wished for.
async function encoded(backend, bytes, options, content) {
  let { colours: picture, opacity } = visible(bytes)
  if (options.colour === 'match') {
    picture = matchColours(picture.window(whole(picture)), colours(rows(picture, opacity)), colours(rows(...content)))
  }
  const ratio = options.style_scale * Math.min(STYLE_SIDE / Math.min(...picture.size), STYLE_LENGTH / Math.max(...picture.size))
  const size = picture.size.map(side => Math.max(1, rounded(side * ratio)))
  const [pixels, shares] = [picture, opacity].map(raster => raster && materialised(new Resized(raster, size)))
  const statistics = await new Painter({ backend, opacity: shares, side: SIDE }).encoded(pixels)
  const length = Math.min(...size) < LEAST ? USUAL : await backend.length(materialised(pixels))
  return { statistics, colours: colours([[pixels, shares]]), length }
}
