// The photo, which all tabs share: dropped, pasted, chosen, taken, or one of impasto's.

import { backend } from './backend.js'
import { takePhoto } from './camera.js'
import { chooseFiles, h, icon } from './dom.js'
import { on, state, tell } from './state.js'
import { number, say, titled } from './language.js'

export async function use(blob, name) {
  const trouble = await problemOf(blob)
  if (trouble) return tell('trouble', trouble)
  const address = URL.createObjectURL(blob)
  const size = await sizeOf(address)
  const { megapixels, result_megapixels: most } = state.offer.limits
  if (size && size.width * size.height > megapixels * 1e6) {
    URL.revokeObjectURL(address)
    return tell('trouble', () => say('photo-too-many-pixels', { limit: number(megapixels) }))
  }
  state.photo = { blob, name: name.replace(/\.[^.]*$/, '') || 'photo', address, ...size }
  state.photo.fits = size && size.width * size.height > most * 1e6 ? largestSide(size, most * 1e6) : null
  tell('photo')
}

async function problemOf(blob) {
  const { upload_mb: most } = state.offer.limits
  if (blob.size > most * 1e6) return () => say('photo-too-many-bytes', { limit: number(most) })
  return blob.type && !blob.type.startsWith('image/') ? () => say('photo-no-picture') : null
}

// As it is seen, turned if its camera was; null if the browser cannot show it.
async function sizeOf(address) {
  const image = new Image()
  image.src = address
  try {
    await image.decode()
    return { width: image.naturalWidth, height: image.naturalHeight }
  } catch {
    return null
  }
}

// The longer side of the largest painting of so many pixels.
function largestSide({ width, height }, pixels) {
  const longer = Math.max(width, height), shorter = Math.min(width, height)
  let side = Math.floor(Math.sqrt((pixels * longer) / shorter))
  while (side * Math.max(1, Math.round((shorter * side) / longer)) > pixels) side--
  return side
}

export async function choose() {
  const [file] = await chooseFiles()
  if (file) await use(file, file.name)
}

async function camera() {
  const blob = await takePhoto()
  if (blob) await use(blob, blob.name ?? 'camera.jpg')
}

export function listen() {
  addEventListener('dragover', event => {
    event.preventDefault()
    document.body.classList.add('dropping')
  })
  addEventListener('dragleave', event => {
    if (!event.relatedTarget) document.body.classList.remove('dropping')
  })
  addEventListener('drop', event => {
    event.preventDefault()
    document.body.classList.remove('dropping')
    const [file] = event.dataTransfer.files
    if (file && !event.target.closest?.('.takes-files')) use(file, file.name)
  })
  addEventListener('paste', event => {
    const [file] = event.clipboardData?.files ?? []
    if (file) use(file, file.name)
  })
}

// What stands where there is no photo yet.
export function invitation() {
  const samples = h('div', { class: 'samples' })
  backend.photos().then(photos => samples.append(...photos.map(sample)), () => {})
  return h(
    'div', { class: 'invitation' },
    h('h2', { t: 'photo-invite' }),
    h('p', { t: 'photo-how' }),
    h('div', { class: 'row' },
      h('button', { type: 'button', class: 'primary', t: 'photo-choose', onclick: choose }),
      h('button', { type: 'button', class: 'with-icon', onclick: camera }, icon('camera'), h('span', { t: 'photo-camera' }))),
    h('p', { class: 'small', t: 'photo-samples' }),
    samples,
  )
}

function sample({ name, picture, thumbnail }) {
  const take = async () => use(await (await fetch(picture)).blob(), `${name}.jpg`)
  return h('button', { type: 'button', class: 'sample', tLabel: 'photo-sample', values: () => ({ name: titled(name) }), onclick: take },
    h('img', { src: thumbnail, alt: '' }))
}

// For tabs that show something else in large: the photo, small, with a way to change it; until there is one, an invitation.
export function photoBox() {
  const box = h('div', { class: 'photo-box row' }), begin = h('div', { class: 'begin' }, invitation())
  const show = () => {
    const { photo } = state
    begin.hidden = !(box.hidden = !photo)
    if (!photo) return
    box.replaceChildren(h('img', { src: photo.address, tAlt: 'photo-alt' }), h('button', { type: 'button', t: 'photo-change', onclick: choose }))
  }
  on('photo', show)
  show()
  return [box, begin]
}
