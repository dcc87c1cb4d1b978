// Which styles: one that is painted at a click, or several, by weight or each in its place.

import { chooseFiles, h, icon } from './dom.js'
import { Mask } from './masks.js'
import { state, on, tell, titleOf } from './state.js'
import { number, say, titled } from './language.js'
import { isPossible } from './ways.js'

export const MOST = 6

// Tiles of styles to press. pressed: called with the style. is: whether it is chosen. fits: whether it can be.
export function gallery({ pressed, is, fits = () => true, own = false, sources = () => state.styles }) {
  const tiles = h('div', { class: 'tiles takes-files', role: 'group', tLabel: 'style' })
  const show = () => {
    const focused = document.activeElement?.dataset.style
    tiles.replaceChildren(...(own ? [addTile(pressed)] : []), ...sources().map(style => tile(style, { pressed, is, fits })))
    if (focused) tiles.querySelector(`[data-style="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true })
  }
  const update = () => {
    for (const button of tiles.querySelectorAll('[data-style]')) {
      const style = sources().find(one => one.name === button.dataset.style)
      button.setAttribute('aria-pressed', is(style))
      button.setAttribute('aria-disabled', !fits(style))
    }
  }
  if (own) tiles.addEventListener('drop', event => add([...event.dataTransfer.files], pressed))
  show()
  return { tiles, show, update }
}

function tile(style, { pressed, is, fits }) {
  const press = () => (fits(style) ? pressed(style) : tell('trouble', () => say('needs-painting')))
  const button = h('button', {
    type: 'button', class: 'tile', 'data-style': style.name, 'aria-pressed': String(is(style)), 'aria-disabled': String(!fits(style)),
    title: [style.artist, style.year].filter(Boolean).join(', ') || null, onclick: press,
  }, h('img', { src: style.thumbnail, alt: '', loading: 'lazy', width: 96, height: 96 }), h('span', {}, titleOf(style)))
  if (!style.own) return button
  const remove = h('button', { type: 'button', class: 'remove', tLabel: 'own-remove', values: { name: style.label }, onclick: () => removed(style) }, icon('close'))
  return h('div', { class: 'own' }, button, remove)
}

function removed(style) {
  state.styles = state.styles.filter(one => one !== style)
  state.chosen = state.chosen.filter(one => one !== style)
  state.masks.delete(style)
  URL.revokeObjectURL(style.thumbnail)
  tell('styles')
  tell('chosen')
}

function addTile(pressed) {
  return h('button', { type: 'button', class: 'tile add', onclick: async () => add(await chooseFiles({ multiple: true }), pressed) },
    h('span', { class: 'face' }, icon('plus')), h('span', { t: 'own' }))
}

let count = 0

// Paintings of the visitor's own, for all tabs; where they were added, the first is chosen, or all that are to be mixed.
function add(files, pressed) {
  const pictures = files.filter(file => file.type.startsWith('image/'))
  if (!pictures.length) return
  const made = pictures.map(file => ({
    name: `own ${++count}`, label: file.name.replace(/\.[^.]*$/, ''), blob: file, thumbnail: URL.createObjectURL(file), own: true,
  }))
  state.styles = [...made, ...state.styles]
  tell('styles')
  for (const style of state.mixing && pressed === choose ? made : made.slice(0, 1)) pressed(style)
}

export function choose(style) {
  if (!mixes()) {
    state.chosen = [style]
    tell('chosen')
    return tell('paint-now')
  }
  if (state.chosen.includes(style)) state.chosen = state.chosen.filter(one => one !== style)
  else if (state.chosen.length < most()) state.chosen = [...state.chosen, style]
  else return tell('trouble', () => say('mix-most', { count: number(most()) }))
  tell('chosen')
}

const mixes = () => state.mixing && state.way.method.takes_several !== false
const most = () => Math.min(MOST, state.offer.limits.styles_each)

// One painting, for tabs that need no more, and which it is. pressed: called when another one is chosen.
export function paintingPart(pressed = () => {}) {
  let style = stillThere()
  const { tiles, show, update } = gallery({
    pressed: one => ((style = one), update(), pressed()), is: one => one === style, own: true,
    // Every way can paint the pictures; encoded ones, only some.
    sources: () => state.styles.filter(one => !one.encoded),
  })
  on('styles', () => ((style = stillThere(style)), show()))
  return [h('section', { class: 'part' }, h('h2', { t: 'style' }), tiles), () => style]
}

// A style as it is wished for.
export const wishFor = style => (style.own ? { blob: style.blob } : { name: style.name })

// A style, or the first that is a painting, if it was taken away or is none.
export const stillThere = style => state.styles.find(one => one === style) ?? state.styles.find(one => !one.encoded)

export function stylePart() {
  const { tiles, show, update } = gallery({
    pressed: choose, is: style => state.chosen.includes(style), fits: style => isPossible(style, state.way, state.options), own: true,
  })
  const mix = h('input', { type: 'checkbox', id: 'mix', checked: state.mixing })
  mix.addEventListener('change', () => {
    state.mixing = mix.checked
    if (!state.mixing) state.chosen = state.chosen.slice(0, 1)
    tell('chosen')
  })
  const blend = h('div', { class: 'blend', hidden: true })
  const arrange = () => {
    update()
    mix.checked = state.mixing
    mix.parentElement.hidden = state.way.method.takes_several === false
    blend.hidden = !mixes() || !state.chosen.length
    blend.replaceChildren(...(blend.hidden ? [] : arranged()))
  }
  on('styles', show)
  for (const what of ['chosen', 'way', 'options']) on(what, arrange)
  on('photo', () => {
    // Masks of another photo mean nothing.
    state.masks.clear()
    arrange()
  })
  const part = h('section', { class: 'part', id: 'style-part' },
    h('div', { class: 'head' }, h('h2', { t: 'style' }), h('label', { class: 'switch' }, mix, h('span', { t: 'mix' }))),
    tiles, blend)
  on('way', () => (part.hidden = !state.way.method.takes_style))
  return part
}

// How much of each, or where.
function arranged() {
  const where = (value, key) =>
    h('label', { class: 'choice' },
      h('input', { type: 'radio', name: 'where', checked: state.places === value, onchange: () => ((state.places = value), tell('chosen')) }),
      h('span', { t: key }))
  const head = h('fieldset', {}, h('legend', { t: 'where' }), h('div', { class: 'segments' }, where(false, 'where-all'), where(true, 'where-places')))
  head.hidden = state.way.method.takes_masks === false
  const rows = state.chosen.map(style => (hasPlaces() ? place(style) : weighed(style)))
  return [head, ...rows, hasPlaces() && h('p', { class: 'small', t: 'mask-rest' })].filter(Boolean)
}

const hasPlaces = () => state.places && state.way.method.takes_masks !== false

function weighed(style) {
  const value = h('output', {}, number(state.weights.get(style) ?? 1))
  const slider = h('input', { type: 'range', min: 0, max: 1, step: 0.05, value: state.weights.get(style) ?? 1, tLabel: 'weight', values: { name: titleOf(style) } })
  slider.addEventListener('input', () => {
    state.weights.set(style, Number(slider.value))
    value.textContent = number(Number(slider.value))
    tell('changed')
  })
  return h('div', { class: 'weighed' }, h('img', { src: style.thumbnail, alt: '' }), h('span', {}, titleOf(style)), slider, value)
}

function place(style) {
  if (!state.photo?.width) return h('p', { class: 'small', t: 'no-photo' })
  if (!state.masks.has(style)) state.masks.set(style, new Mask(state.photo, titleOf(style)))
  return state.masks.get(style).element
}

// What is wished for of styles: {styles, masks, options}. Throws an Error whose message is the text's key.
export async function wished() {
  if (!state.way.method.takes_style) return { styles: [], masks: [], options: {} }
  if (!state.chosen.length && state.way.method.needs_style !== false) throw new Error('no-style')
  const chosen = mixes() ? state.chosen : state.chosen.slice(0, 1)
  const styles = chosen.map(wishFor)
  if (styles.length < 2) return { styles, masks: [], options: {} }
  if (hasPlaces()) {
    const masks = await Promise.all(state.chosen.map(style => state.masks.get(style)?.file() ?? null))
    if (masks.every(mask => mask === null)) throw new Error('mask-none')
    if (masks.filter(mask => mask === null).length > 1) throw new Error('mask-one-rest')
    return { styles, masks, options: {} }
  }
  const weights = state.chosen.map(style => state.weights.get(style) ?? 1)
  return { styles, masks: [], options: new Set(weights).size > 1 || !weights[0] ? { style_blend: weights.join(',') } : {} }
}

export const label = style => ({ ...style, label: titled(style.name) })
