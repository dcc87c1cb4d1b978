// Elements, made in one expression.

import { put } from './language.js'

// h('button', {class: 'primary', t: 'paint', onclick: paint}). `t` is the text's key, `tLabel`, `tAlt`, `tTitle` and
// `tPlaceholder` those of attributes, `values` what fills their places; they follow the language from then on.
const ATTRIBUTES = { tLabel: 'aria-label', tAlt: 'alt', tTitle: 'title', tPlaceholder: 'placeholder' }

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  const { values, ...rest } = properties
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined || value === null || value === false) continue
    if (name === 't') put(element, value, values)
    else if (name in ATTRIBUTES) put(element, value, values, ATTRIBUTES[name])
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'hidden' || name === 'value' || name === 'checked' || name === 'disabled') element[name] = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false))
  return element
}

export const byId = id => document.getElementById(id)

// A few hundred bytes of a picture instead of a library of them.
const PATHS = {
  plus: 'M10 4v12M4 10h12',
  close: 'M5 5l10 10M15 5L5 15',
  camera: 'M3 6.5h3l1.3-2h5.4l1.3 2h3v9H3zM10 8.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z',
  picture: 'M3 4.5h14v11H3zM3 13l4-4 3.5 3.5 2.5-2.5 4 4M13 7.6h.01',
}

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 20 20')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', PATHS[name])
  svg.append(path)
  return svg
}

// Has an image show a picture that nothing else will.
export function show(image, blob) {
  image.src = URL.createObjectURL(blob)
  image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true })
}

// What is saved to the visitor's disk.
export function download(blob, name) {
  const link = h('a', { href: URL.createObjectURL(blob), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

// Asks for files, of pictures if nothing else is said. capture: from the camera of a phone.
export function chooseFiles({ multiple = false, capture = false, accept = 'image/*' } = {}) {
  return new Promise(resolve => {
    const input = h('input', { type: 'file', accept, multiple, capture: capture && 'environment', hidden: true })
    input.addEventListener('change', () => {
      resolve([...input.files])
      input.remove()
    })
    input.addEventListener('cancel', () => {
      resolve([])
      input.remove()
    })
    document.body.append(input)
    input.click()
  })
}
