// How a picture is cut into tiles that overlap: as engine/raster.py.

import { Window } from './raster.js'

export const MULTIPLE = 8 // three poolings: tiles begin at multiples of this many pixels
export const up = pixels => Math.ceil(pixels / MULTIPLE) * MULTIPLE

// [{core, place}]: what a tile is for, which no other is, and what has to be looked at for it, in rows from the top.
export function tiles([height, width], halo, side) {
  if (height * width <= side * side) {
    const all = new Window(0, 0, height, width)
    return [{ core: all, place: all }]
  }
  return spans(height, halo, side).flatMap(rows => spans(width, halo, side).map(columns => ({
    core: new Window(rows.core, columns.core, rows.coreEnd, columns.coreEnd),
    place: new Window(rows.start, columns.start, rows.end, columns.end),
  })))
}

function spans(length, border, most) {
  if (length <= most) return [{ core: 0, coreEnd: length, start: 0, end: length }]
  const halo = up(border), side = Math.floor(most / MULTIPLE) * MULTIPLE
  const count = Math.ceil((length - 2 * halo) / (side - 2 * halo))
  const step = up(Math.ceil((length - 2 * halo) / count))
  return Array.from({ length: count }, (_, number) => {
    const isLast = number === count - 1
    return {
      core: number ? number * step + halo : 0,
      coreEnd: isLast ? length : (number + 1) * step + halo,
      start: Math.min(number * step, Math.floor((length - step - 2 * halo) / MULTIPLE) * MULTIPLE),
      end: isLast ? length : number * step + step + 2 * halo,
    }
  })
}
