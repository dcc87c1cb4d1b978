// Noise that depends on nothing but its place in the picture: as engine/given.py.

import { Pixels } from './raster.js'

const [ROW, COLUMN, BLOCK] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d]

// Uniform with deviation 1, of the part that begins at row `top`, column `left`, in positions of the block.
export function ground([height, width], block, top, left) {
  const found = new Pixels(1, height, width)
  const scale = Math.fround(Math.sqrt(3))
  let to = 0
  for (let row = top; row < top + height; row++) {
    for (let column = left; column < left + width; column++) {
      let value = (Math.imul(row, ROW) + Math.imul(column, COLUMN) + Math.imul(block, BLOCK)) >>> 0
      value = Math.imul(value ^ (value >>> 16), 0x7feb352d)
      value = Math.imul(value ^ (value >>> 16), 0x846ca68b)
      value ^= value >>> 16
      found.data[to++] = ((value >>> 8) / 2 ** 23 - 1) * scale
    }
  }
  return found
}
