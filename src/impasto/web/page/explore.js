// Where a place of the photo looks: in a painting, or, with trained generators, in the photo itself.

import { backend } from './backend.js'
import { byId, h, show, spokenLine } from './dom.js'
import { Telling } from './paint.js'
import { photoBox } from './photo.js'
import { on, state, titleOf } from './state.js'
import { paintingPart, wishFor } from './styles.js'
import { put, say, sorry } from './language.js'

const LAYERS = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1']
const USUAL = 'relu4_1'
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

// [{options, takesStyle, text}] of everything that can be compared.
function lookable() {
  return state.offer.methods.filter(method => method.looks_in).flatMap(method => {
    if (method.look_options.includes('attention_layers')) {
      return LAYERS.map(layer => ({ options: { method: method.name, attention_layers: layer }, takesStyle: method.looks_in === 'style', usual: layer === USUAL, text: () => `${layer}: ${say(`layer-${layer}`)}` }))
    }
    return (method.options.direction?.enum ?? []).map(direction => ({
      options: { method: method.name, direction }, takesStyle: method.looks_in === 'style', text: () => say('layer-within', { method: method.name, direction }),
    }))
  })
}

export function begin() {
  const choices = lookable()
  let chosen = choices.find(one => one.usual) ?? choices[0]
  let place = [50, 50]
  let running = null
  let looked = null // the photo that was looked from
  const [box, beginning] = photoBox()
  const [note, tell] = spokenLine('explore-note')
  const image = h('img', { alt: '', draggable: 'false' })
  const dot = h('span', { class: 'dot' })
  const target = h('div', { class: 'target', id: 'explore-photo', tabindex: 0, role: 'application', tLabel: 'explore-photo', hidden: true }, image, dot)
  const [x, y] = ['x', 'y'].map(axis => h('input', { type: 'number', id: `explore-${axis}`, min: 0, max: 100, step: 0.1, value: 50 }))
  const seen = h('img', { id: 'explore-seen', tAlt: 'looked-alt', hidden: true })
  const [styles, style] = paintingPart(() => look())
  const where = h('figcaption')
  const figures = h('div', { class: 'figures two' },
    h('figure', {}, target, h('figcaption', { t: 'photo-alt' })),
    h('figure', {}, seen, where))

  function move(to) {
    place = to.map(one => Math.round(10 * Math.min(100, Math.max(0, one))) / 10)
    ;[x.value, y.value] = place
    dot.style.setProperty('left', `${place[0]}%`)
    dot.style.setProperty('top', `${place[1]}%`)
  }

  // The latest place counts: a look that goes on is stopped.
  async function look() {
    running?.abort()
    if (!state.photo || !chosen) return
    const controller = (running = new AbortController())
    const telling = new Telling((words, kind) => controller === running && tell(words, kind))
    looked = state.photo
    const painting = style()
    tell(() => say('looking'), 'busy')
    try {
      const wished = chosen.takesStyle ? [wishFor(painting)] : []
      const blob = await backend.look({ photo: state.photo.blob, styles: wished, options: chosen.options }, place, { signal: controller.signal, progress: now => now.status === 'queued' && telling.hear(now) })
      if (controller !== running) return
      show(seen, blob)
      seen.hidden = false
      put(where, chosen.takesStyle ? () => titleOf(painting) : 'photo-alt')
      telling.end()
      tell(() => say('looked'))
    } catch (error) {
      telling.end()
      if (controller === running && error.code !== 'cancelled') tell(() => sorry(error), 'bad')
    }
  }

  image.addEventListener('click', event => {
    const edge = image.getBoundingClientRect()
    move([(100 * (event.clientX - edge.left)) / edge.width, (100 * (event.clientY - edge.top)) / edge.height])
    look()
  })
  target.addEventListener('keydown', event => {
    const step = STEPS[event.key]
    if (event.key === 'Enter' || event.key === ' ') look()
    else if (step) move(place.map((one, axis) => one + step[axis] * (event.shiftKey ? 10 : 2)))
    else return
    event.preventDefault()
  })
  for (const input of [x, y]) input.addEventListener('change', () => (move([Number(x.value), Number(y.value)]), look()))
  const layers = h('fieldset', { class: 'part' }, h('legend', { t: 'explore-layer' }),
    ...choices.map(one => {
      const pick = () => ((chosen = one), (styles.hidden = !one.takesStyle), look())
      return h('label', { class: 'line' }, h('input', { type: 'radio', name: 'layer', checked: one === chosen, onchange: pick }), h('span', { t: one.text }))
    }))

  const showPhoto = () => {
    running?.abort()
    running = null
    figures.hidden = !state.photo
    if (!state.photo) return
    image.src = state.photo.address
    target.hidden = !state.photo.width
    seen.hidden = true
    put(where, () => '')
    move([50, 50])
    if (!byId('explore').hidden) look()
  }
  on('photo', showPhoto)
  on('tab', name => name === 'explore' && state.photo !== looked && look())
  byId('explore').replaceChildren(
    h('div', { class: 'wide' },
      h('div', { class: 'head' }, h('h2', { t: 'explore-title' }), h('p', { class: 'small', t: choices.length ? 'explore-how' : 'explore-none' })),
      note, beginning, figures),
    h('div', { class: 'panel' }, box, layers, styles,
      h('div', { class: 'part options' }, h('div', { class: 'pairs' },
        h('div', {}, h('label', { for: x.id, t: 'explore-x' }), x), h('div', {}, h('label', { for: y.id, t: 'explore-y' }), y)))))
  showPhoto()
}
