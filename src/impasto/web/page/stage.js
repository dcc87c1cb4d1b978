// The picture, large: the painting over the photo, of which a slider uncovers as much as is wanted, in full or at 100 %.

import { byId, h, icon } from './dom.js'
import { choose, invitation } from './photo.js'
import { state, tell } from './state.js'
import { put } from './language.js'

const box = byId('stage')
const painting = h('img', { class: 'painting', draggable: 'false', tAlt: 'painting-alt', hidden: true })
const photo = h('img', { class: 'photo', draggable: 'false', tAlt: 'photo-alt' })
const uncover = h('input', { type: 'range', class: 'uncover', min: 0, max: 100, value: 0, tLabel: 'uncover', hidden: true })
const pair = h('div', { class: 'pair' }, painting, photo, uncover)
const view = h('div', { class: 'view', tabindex: 0, role: 'group', tLabel: 'stage' }, pair)
const bar = h('progress', { 'aria-hidden': 'true', hidden: true })
const zoom = h('button', { type: 'button', t: 'zoom-full', 'aria-pressed': 'false' })
const change = h('button', { type: 'button', class: 'with-icon', onclick: choose }, icon('picture'), h('span', { t: 'photo-change' }))
const unseen = h('p', { class: 'unseen', t: 'photo-unseen' })

let shown = null // what is on the stage: {address, photo} of a painting
let previewing = false // whether it is a painting so far instead

export function begin() {
  box.replaceChildren(invitation())
  uncover.addEventListener('input', () => pair.style.setProperty('--at', `${uncover.value}%`))
  zoom.addEventListener('click', () => zoomTo(!isFull(), 0.5, 0.5))
  pair.addEventListener('dblclick', event => {
    const edge = pair.getBoundingClientRect()
    zoomTo(!isFull(), (event.clientX - edge.left) / edge.width, (event.clientY - edge.top) / edge.height)
  })
  painting.addEventListener('load', size)
  photo.addEventListener('load', size)
  addEventListener('resize', size)
  pan()
}

// The photo alone.
export function showPhoto() {
  shown = null
  previewing = false
  const { address, width } = state.photo
  photo.src = address
  photo.hidden = !width
  painting.hidden = uncover.hidden = true
  unseen.hidden = Boolean(width)
  at(100)
  box.replaceChildren(view, bar, h('div', { class: 'tools' }, change, zoom), unseen)
  tell('stage')
}

// painted: {address, photo}. The zoom, its place and the slider stay as they are while one photo is painted anew.
export function showPainting(painted) {
  const same = shown?.photo === painted.photo
  shown = painted
  previewing = false
  painting.src = painted.address
  photo.src = painted.photo.address
  photo.hidden = uncover.hidden = !painted.photo.width
  put(painting, 'painting-alt', {}, 'alt')
  painting.hidden = false
  unseen.hidden = true
  if (!same) at(0)
  box.replaceChildren(view, bar, h('div', { class: 'tools' }, change, zoom))
  tell('stage')
}

// How a painting looks so far, as large as what was there.
export function showPreview(address) {
  previewing = true
  painting.src = address
  put(painting, 'preview-alt', {}, 'alt')
  painting.hidden = false
  unseen.hidden = uncover.hidden = photo.hidden = true
}

// Back to what was there before the previews.
export function showAgain() {
  if (shown) showPainting(shown)
  else if (state.photo) showPhoto()
}

// Of what is done; undefined while nobody knows, null when nothing is being painted.
export function progress(share) {
  bar.hidden = share === null
  if (share === undefined) bar.removeAttribute('value')
  else if (share !== null) bar.value = share
}

function at(percent) {
  uncover.value = percent
  pair.style.setProperty('--at', `${percent}%`)
}

const isFull = () => view.classList.contains('full')

function zoomTo(full, x, y) {
  view.classList.toggle('full', full)
  zoom.setAttribute('aria-pressed', full)
  size()
  view.scrollTo(x * view.scrollWidth - view.clientWidth / 2, y * view.scrollHeight - view.clientHeight / 2)
}

// One pixel of the painting is one of the screen. A preview, which is smaller, takes the place of what it will become.
function size() {
  if (previewing) return
  const one = shown ? painting : photo
  const scale = isFull() && one.naturalWidth ? `${one.naturalWidth / devicePixelRatio}px` : ''
  pair.style.setProperty('width', scale)
  const [width, height] = [one.naturalWidth || 3, one.naturalHeight || 2]
  box.style.setProperty('--shape', width / height)
}

// At 100 %, the picture follows the pointer; keys scroll by themselves.
function pan() {
  let from = null
  view.addEventListener('pointerdown', event => {
    if (!isFull() || event.pointerType !== 'mouse' || event.button || event.target === uncover) return
    from = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop]
    view.setPointerCapture(event.pointerId)
  })
  view.addEventListener('pointermove', event => {
    if (from) view.scrollTo(from[0] - event.clientX, from[1] - event.clientY)
  })
  for (const end of ['pointerup', 'pointercancel']) view.addEventListener(end, () => (from = null))
}
