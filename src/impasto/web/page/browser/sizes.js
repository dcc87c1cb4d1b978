// Sizes of one picture, which keep its aspect ratio: as sizes.py.

// To the nearest whole number, halves to the even one.
export const rounded = value => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value))

// [height, width] whose longer side is so many pixels.
export function fit([height, width], longerSide) {
  const longer = Math.max(height, width)
  return [height, width].map(side => Math.max(1, Math.floor((2 * side * longerSide + longer) / (2 * longer))))
}
