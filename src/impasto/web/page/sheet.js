// The styles by name, and one photo in all of them.

import { byId, h, show, spokenLine } from './dom.js'
import { eachOf, patiently } from './paint.js'
import { photoBox } from './photo.js'
import { on, state, tell as announce, titleOf } from './state.js'
import { choose, wishFor } from './styles.js'
import { number, say, sorry } from './language.js'
import { isPossible, waysOf } from './ways.js'

const SIZE = 480 // pixels of a small painting

export function begin() {
  const [box, beginning] = photoBox()
  const [note, tell] = spokenLine('sheet-note')
  const go = h('button', { type: 'button', class: 'primary', id: 'sheet-go', t: 'sheet-paint', disabled: !state.photo, onclick: paintAll })
  const stop = h('button', { type: 'button', id: 'sheet-stop', t: 'stop', hidden: true, onclick: () => running.abort() })
  const cards = h('ul', { class: 'cards' })
  let running = null

  const draw = () => cards.replaceChildren(...state.styles.map(card))

  async function paintAll() {
    running = new AbortController()
    const { signal } = running
    const photo = state.photo
    let done = 0
    go.hidden = !(stop.hidden = false)
    await eachOf(state.styles, async style => {
      try {
        const options = { size: Math.min(SIZE, Math.max(photo.width ?? SIZE, photo.height ?? SIZE)) }
        const { blob } = await patiently({ photo: photo.blob, styles: [wishFor(style)], options }, { signal })
        const image = cards.querySelector(`[data-style="${CSS.escape(style.name)}"] img`)
        if (image && photo === state.photo && !signal.aborted) show(image, blob)
        done++
        tell(() => say('sheet-progress', { done: number(done), count: number(state.styles.length) }), 'busy')
      } catch (error) {
        if (error.code === 'cancelled') return
        running.abort()
        tell(() => sorry(error), 'bad')
      }
    }, { signal })
    go.hidden = !(stop.hidden = true)
    if (!signal.aborted) tell(() => say('sheet-done', { count: number(done) }), 'good')
    else if (note.className !== 'bad') tell(() => say('stopped'))
  }

  on('styles', draw)
  on('photo', () => {
    running?.abort()
    go.disabled = false
    draw()
  })
  draw()
  byId('styles').replaceChildren(
    h('div', { class: 'wide' },
      h('div', { class: 'head' }, h('h2', { t: 'sheet-title' }), h('p', { class: 'small', t: 'sheet-how' }), box, h('div', { class: 'actions' }, stop, go)),
      note, beginning, cards))
}
function card(style) {
  const press = () => {
    state.mixing = false
    if (!state.way.method.takes_style || !isPossible(style, state.way, state.options)) {
      // The first way takes any style.
      state.way = waysOf(state.offer)[0]
      announce('settings')
      announce('way')
    }
    announce('show', 'paint')
    choose(style)
  }
  const about = [style.artist, style.year].filter(Boolean).join(', ')
  return h('li', {}, h('button', { type: 'button', class: 'card', 'data-style': style.name, onclick: press },
    h('img', { src: style.thumbnail, alt: '', loading: 'lazy' }),
    h('span', { class: 'name' }, titleOf(style)),
    about && h('span', { class: 'small' }, about)))
}
