// The paintings of this visit, and saving them.

import { backend } from './backend.js'
import { byId, download, h } from './dom.js'
import { bitsOf } from './record.js'
import { showPainting } from './stage.js'
import { on, state, tell } from './state.js'
import { say } from './language.js'

const MOST = 24
const FORMATS = { png: ['PNG', 'png'], jpeg: ['JPEG', 'jpg'], webp: ['WebP', 'webp'] }

const strip = byId('strip')
const save = byId('save')
let paintings = [] // {id, blob, address, photo, caption, bits}, the newest first
let shown = null

export async function add(painting, { photo, caption }) {
  const one = { ...painting, address: URL.createObjectURL(painting.blob), photo, caption, bits: await bitsOf(painting.blob) }
  paintings = [one, ...paintings]
  for (const old of paintings.splice(MOST)) URL.revokeObjectURL(old.address)
  show(one)
}

function show(one) {
  shown = one
  showPainting(one)
  draw()
}

function draw() {
  strip.hidden = false
  strip.replaceChildren(
    h('h2', { t: 'visit' }),
    h('ul', {}, ...paintings.map(one =>
      h('li', {}, h('button', {
        type: 'button', 'aria-current': one === shown ? 'true' : null, tLabel: 'visit-show', values: () => ({ caption: one.caption() }),
        tTitle: one.caption, onclick: () => (show(one), tell('said', one.caption)),
      }, h('img', { src: one.address, alt: '' }))))))
  const kind = localStorage.getItem('format') ?? 'png'
  const select = h('select', { id: 'format', tLabel: 'format' },
    ...Object.entries(FORMATS).map(([value, [name]]) =>
      h('option', { value, t: () => (value === 'png' && shown.bits === 16 ? say('bits-16', { format: name }) : name) })))
  select.value = kind in FORMATS ? kind : 'png'
  select.addEventListener('change', () => localStorage.setItem('format', select.value))
  save.hidden = false
  save.replaceChildren(h('button', { type: 'button', id: 'save-go', t: 'save', onclick: () => saved(shown, select.value) }), select)
}

async function saved(one, kind) {
  try {
    download(await fileOf(one, kind), `${one.photo.name}-${one.caption().split(' · ')[0].replaceAll(/[^\p{L}\p{N}]+/gu, '-')}.${FORMATS[kind][1]}`)
  } catch (error) {
    tell('failed', error)
  }
}

// As it was painted; or in another format, by the server, which keeps the record, or without it, once it is gone there.
export async function fileOf(one, kind) {
  if (kind === 'png') return one.blob
  try {
    return await backend.encoded(one, kind)
  } catch {
    const picture = await createImageBitmap(one.blob)
    const canvas = h('canvas', { width: picture.width, height: picture.height })
    canvas.getContext('2d').drawImage(picture, 0, 0)
    return new Promise(resolve => canvas.toBlob(resolve, `image/${kind}`, 0.95))
  }
}

export const suffixOf = kind => FORMATS[kind][1]

on('photo', () => {
  shown = null
  save.hidden = true
})
