// One photo in one style, in several ways side by side.

import { byId, download, h, show, spokenLine } from './dom.js'
import { patiently, Telling } from './paint.js'
import { photoBox } from './photo.js'
import { on, state } from './state.js'
import { paintingPart, wishFor } from './styles.js'
import { duration, number, say, sorry } from './language.js'
import { isQuick, nameOf, waysOf } from './ways.js'

const SIZE = 480 // pixels: comparing waits for the slowest, so that it begins with small paintings

export function begin() {
  const ways = waysOf(state.offer)
  let running = null
  let found = new Map() // {way: a painting, or why there is none}
  const [box, beginning] = photoBox()
  const [note, tell] = spokenLine('compare-note')
  const [styles, style] = paintingPart()
  const boxes = ways.map(way => [way, h('input', { type: 'checkbox', checked: isQuick(way) || way.method.name === 'gatys', onchange: () => draw() })])
  const size = h('input', { type: 'text', inputmode: 'numeric', id: 'compare-size', value: SIZE, autocomplete: 'off' })
  const go = h('button', { type: 'button', class: 'primary', id: 'compare-go', t: 'compare-go', onclick: compare })
  const stop = h('button', { type: 'button', id: 'compare-stop', t: 'stop', hidden: true, onclick: () => running.abort() })
  const figures = h('div', { class: 'figures' })
  const wanted = () => boxes.filter(([way, input]) => input.checked || found.has(way)).map(([way]) => way)

  // The photo, and a place for each way, so that it is seen what there will be.
  function draw(now) {
    figures.hidden = !state.photo
    if (!state.photo) return
    const { address, width, height } = state.photo
    if (width) figures.style.setProperty('--shape', width / height)
    const photo = width && h('figure', {}, h('img', { src: address, alt: '' }), h('figcaption', { t: 'photo-alt' }))
    figures.replaceChildren(...[photo, ...wanted().map(way => figure(way, found.get(way), way === now))].filter(Boolean))
  }

  async function compare() {
    const chosen = boxes.filter(([, input]) => input.checked).map(([way]) => way)
    const painting = style()
    if (!state.photo || !chosen.length || !painting) return tell(() => say(!state.photo ? 'no-photo' : chosen.length ? 'no-style' : 'compare-none'), 'bad')
    running = new AbortController()
    const { signal } = running
    const mine = (found = new Map())
    scrollTo({ top: 0 })
    go.hidden = !(stop.hidden = false)
    for (const way of chosen) {
      draw(way)
      const telling = new Telling((words, kind) => tell(() => say('compare-progress', { name: nameOf(way), what: words() }), kind))
      try {
        const options = { method: way.method.name, ...way.options, ...(size.value.trim() ? { size: size.value.trim() } : {}) }
        const wish = { photo: state.photo.blob, styles: way.method.takes_style ? [wishFor(painting)] : [], options }
        const made = await patiently(wish, { signal, progress: now => telling.hear(now) })
        const image = h('img', { alt: '' })
        show(image, made.blob)
        mine.set(way, { ...made, image })
      } catch (error) {
        if (error.code === 'cancelled') break
        mine.set(way, { error })
      } finally {
        telling.end()
      }
      if (signal.aborted) break
    }
    draw()
    go.hidden = !(stop.hidden = true)
    const done = [...mine.values()].filter(one => !one.error).length
    signal.aborted ? tell(() => say('stopped')) : tell(() => say('compare-done', { count: number(done) }), 'good')
  }

  on('photo', () => {
    running?.abort()
    found = new Map()
    draw()
  })
  byId('compare').replaceChildren(
    h('div', { class: 'wide' },
      h('div', { class: 'head' }, h('h2', { t: 'compare-title' }), h('p', { class: 'small', t: 'compare-how' })),
      note, beginning, figures),
    h('div', { class: 'panel' }, box,
      styles,
      h('fieldset', { class: 'part' }, h('legend', { t: 'compare-ways' }),
        ...boxes.map(([way, input]) => h('label', { class: 'line' }, input, named(way)))),
      h('div', { class: 'part options' }, h('div', {}, h('label', { for: size.id, t: 'compare-size' }), size)),
      h('div', { class: 'actions' }, stop, go)))
  draw()
}

const named = way => h('span', {}, h('span', { t: () => nameOf(way) }), h('small', {}, way.method.name))

// What became of a way; a frame while nothing has. now: whether it is being painted.
function figure(way, { image, blob, seconds, error } = {}, now = false) {
  const save = () => download(blob, `impasto-${way.id}.png`)
  return h('figure', {},
    image ?? h('div', { class: now ? 'frame busy' : 'frame' }, error && h('p', { class: 'bad', t: () => sorry(error) })),
    h('figcaption', {}, named(way), image && h('span', {},
      h('small', { t: () => duration(seconds ?? 0) }),
      h('button', { type: 'button', class: 'quiet', t: 'save', tLabel: 'compare-save', values: () => ({ name: nameOf(way) }), onclick: save }))))
}
