// What the visitor has chosen, and who wants to hear of it.

export const state = {
  offer: null, // as GET /v1/methods
  styles: [], // of the server's: {name, thumbnail, encoded, ...}; and the visitor's: {name, blob, thumbnail, own: true}
  photo: null, // {blob, name, address, width, height}; without a size if the browser cannot show it
  chosen: [], // styles, in the order of choosing
  mixing: false,
  weights: new Map(), // by style
  places: false, // whether each style has its own place
  masks: new Map(), // by style: a Mask
  way: null,
  options: {}, // {name: value} of those that the visitor changed
}

const listeners = new Map()

export function on(what, listener) {
  listeners.set(what, [...(listeners.get(what) ?? []), listener])
}

export function tell(what, detail) {
  for (const listener of listeners.get(what) ?? []) listener(detail)
}

export const titleOf = style => style.title ?? style.label
