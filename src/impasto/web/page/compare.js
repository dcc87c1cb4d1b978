// One photo in one style, in several ways side by side.

import { byId, download, h } from './dom.js'
import { patiently, Telling } from './paint.js'
import { photoBox } from './photo.js'
import { on, state } from './state.js'
import { gallery, stillThere } from './styles.js'
import { duration, number, say, sorry } from './language.js'
import { isQuick, nameOf, waysOf } from './ways.js'

const SIZE = 384 // pixels: comparing waits for the slowest, so that it begins with small paintings

export function begin() {
  const ways = waysOf(state.offer)
  let style = stillThere()
  let running = null
  const [box, showPhoto] = photoBox()
  // Every way can paint the pictures; encoded ones, only some.
  const { tiles, show, update } = gallery({ pressed: one => ((style = one), update()), is: one => one === style, own: true, sources: () => state.styles.filter(one => !one.encoded) })
  const boxes = ways.map(way => [way, h('input', { type: 'checkbox', checked: isQuick(way) || way.method.name === 'gatys' })])
  const size = h('input', { type: 'text', inputmode: 'numeric', id: 'compare-size', value: SIZE, autocomplete: 'off' })
  const note = h('p', { id: 'compare-note', role: 'status', 'aria-live': 'polite' }, say('compare-how'))
  const go = h('button', { type: 'button', class: 'primary', id: 'compare-go', t: 'compare-go', onclick: compare })
  const stop = h('button', { type: 'button', id: 'compare-stop', t: 'stop', hidden: true, onclick: () => running.abort() })
  const figures = h('div', { class: 'figures' })
  const tell = (text, kind = '') => ((note.textContent = text), (note.className = kind))

  async function compare() {
    const wanted = boxes.filter(([, input]) => input.checked).map(([way]) => way)
    if (!state.photo || !wanted.length || !style) return tell(say(!state.photo ? 'no-photo' : wanted.length ? 'no-style' : 'compare-none'), 'bad')
    running = new AbortController()
    const { signal } = running
    figures.replaceChildren()
    go.hidden = !(stop.hidden = false)
    let done = 0
    for (const way of wanted) {
      const telling = new Telling((text, kind) => tell(say('compare-progress', { name: nameOf(way), what: text }), kind))
      try {
        const styles = !way.method.takes_style ? [] : [style.own ? { blob: style.blob } : { name: style.name }]
        const options = { method: way.method.name, ...way.options, ...(size.value.trim() ? { size: size.value.trim() } : {}) }
        const painting = await patiently({ photo: state.photo.blob, styles, options }, { signal, progress: now => telling.hear(now) })
        figures.append(figure(way, painting))
        done++
      } catch (error) {
        if (error.code === 'cancelled') break
        figures.append(h('figure', {}, caption(way, h('span', { class: 'bad' }, sorry(error)))))
      } finally {
        telling.end()
      }
      if (signal.aborted) break
    }
    go.hidden = !(stop.hidden = true)
    signal.aborted ? tell(say('stopped')) : tell(say('compare-done', { count: number(done) }), 'good')
  }

  on('styles', () => ((style = stillThere(style)), show()))
  on('photo', showPhoto)
  byId('compare').replaceChildren(
    h('div', { class: 'wide' }, note, figures),
    h('div', { class: 'panel' }, box,
      h('section', { class: 'part' }, h('h2', { t: 'style' }), tiles),
      h('fieldset', { class: 'part' }, h('legend', { t: 'compare-ways' }),
        ...boxes.map(([way, input]) => h('label', { class: 'line' }, input, named(way)))),
      h('div', { class: 'part options' }, h('div', {}, h('label', { for: size.id, t: 'compare-size' }), size)),
      h('div', { class: 'row go' }, go, stop)))
}

const named = way => {
  const name = h('span', {}, nameOf(way))
  document.addEventListener('language', () => (name.textContent = nameOf(way)))
  return h('span', {}, name, h('small', {}, way.method.name))
}

const caption = (way, more) => h('figcaption', {}, h('span', {}, named(way)), more)

function figure(way, { blob, seconds }) {
  const save = () => download(blob, `impasto-${way.id}.png`)
  return h('figure', {},
    h('button', { type: 'button', class: 'bare', tLabel: 'compare-save', values: () => ({ name: nameOf(way) }), onclick: save },
      h('img', { src: URL.createObjectURL(blob), alt: '' })),
    caption(way, h('span', { class: 'small' }, duration(seconds ?? 0))))
}
