// A clip, painted in a style: what was sent and what became of it play side by side.

import { backend } from './backend.js'
import { byId, chooseFiles, download, h } from './dom.js'
import { Telling } from './paint.js'
import { on, state } from './state.js'
import { gallery, stillThere } from './styles.js'
import { number, say, sorry } from './language.js'

const MOVES = ['image/gif', 'image/webp', 'image/apng', 'image/png'] // that are no video/* and yet may be films
const PLAYED = ['mp4', 'webm'] // by a player; other formats move by themselves
const SAME = 0.15 // seconds that two players may be apart

export function begin() {
  const { formats, options } = state.offer.video
  const { video_mb: mostBytes, video_seconds: mostSeconds } = state.offer.limits
  let clip = null // {blob, name, about}; about: a promise of what the server says of it
  let style = stillThere()
  let running = null
  let made = null // {blob, format, start}

  const note = h('p', { id: 'video-note', role: 'status', 'aria-live': 'polite' })
  const tell = (text, kind = '') => ((note.textContent = text), (note.className = kind))
  const source = h('figure', { id: 'video-source' })
  const result = h('figure', { id: 'video-result' })
  const bar = h('progress', { max: 1, tLabel: 'video-done', hidden: true })
  const [from, to, size] = ['from', 'to', 'size'].map(name => h('input', { type: 'text', inputmode: 'decimal', id: `video-${name}`, autocomplete: 'off' }))
  const steady = h('input', { type: 'range', id: 'video-steady', min: options.steady.minimum, max: options.steady.maximum, step: 0.05, value: options.steady.default, oninput: () => (held.textContent = number(Number(steady.value))) })
  const held = h('output', { for: steady.id }, number(options.steady.default))
  const format = h('select', { id: 'video-format' }, ...Object.keys(formats).map(kind => h('option', { value: kind }, kind === 'webp' ? 'WebP' : kind.toUpperCase())))
  const go = h('button', { type: 'button', class: 'primary', id: 'video-go', t: 'paint', disabled: true, onclick: paint })
  const stop = h('button', { type: 'button', id: 'video-stop', t: 'stop', hidden: true, onclick: () => running.abort() })
  const both = h('button', { type: 'button', id: 'video-both', t: 'video-both', hidden: true, onclick: playBoth })
  const save = h('button', { type: 'button', id: 'video-save', t: 'save', hidden: true, onclick: () => download(made.blob, `${clip.name}-impasto.${made.format}`) })
  const { tiles, show, update } = gallery({ pressed: one => ((style = one), update()), is: one => one === style, own: true })

  const player = figure => figure.querySelector('video')

  async function use(file) {
    if (!file) return
    if (file.size > mostBytes * 1e6) return tell(say('video-too-many-bytes', { limit: number(mostBytes) }), 'bad')
    if (file.type && !file.type.startsWith('video/') && !MOVES.includes(file.type)) return tell(say('video-none'), 'bad')
    running?.abort()
    clip = { blob: file, name: file.name.replace(/\.[^.]*$/, '') || 'clip' }
    made = null
    go.disabled = both.hidden = save.hidden = true
    for (const input of [from, to]) input.value = ''
    put(result)
    put(source, shown(file, file.type.startsWith('image/') ? 'image' : 'video', 'video-source-alt'))
    player(source)?.addEventListener('error', () => put(source, h('p', { class: 'small', t: 'video-unseen' })))
    const mine = clip
    tell(say('sending'), 'busy')
    try {
      mine.about = await backend.sendVideo(file)
      if (mine !== clip) return
      const { width, height, seconds: length, fps, largest_size: largest } = mine.about
      size.value = largest
      if (length > mostSeconds) to.value = mostSeconds
      const what = say('video-size', { width, height, seconds: number(length, { maximumFractionDigits: 1 }), fps: number(fps, { maximumFractionDigits: 1 }) })
      tell(length > mostSeconds ? `${what} ${say('video-part', { limit: number(mostSeconds) })}` : what)
      go.disabled = false
    } catch (error) {
      if (mine === clip) tell(sorry(error), 'bad')
    }
  }

  function wish() {
    const values = { start: from.value.trim().replace(',', '.'), end: to.value.trim().replace(',', '.'), size: size.value.trim(), steady: steady.value, format: format.value }
    return {
      clip: clip.blob, styles: [style.own ? { blob: style.blob } : { name: style.name }],
      options: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')),
    }
  }

  async function paint() {
    const asked = wish(), mine = clip, start = seconds(from.value)
    const controller = (running = new AbortController())
    const telling = new Telling(tell)
    const preview = h('img', { tAlt: 'preview-alt' })
    go.hidden = both.hidden = save.hidden = !(stop.hidden = bar.hidden = false)
    bar.removeAttribute('value')
    tell(say('sending'), 'busy')
    try {
      const painted = await backend.paintVideo(asked, {
        signal: controller.signal,
        progress: now => (telling.hear(now), now.total && (bar.value = now.step / now.total)),
        preview: address => mine === clip && ((preview.src = address), preview.isConnected || put(result, preview)),
      })
      telling.end()
      if (mine === clip) done(painted, asked.options.format, start)
    } catch (error) {
      telling.end()
      if (mine === clip) error.code === 'cancelled' ? tell(say('stopped')) : tell(sorry(error), 'bad')
    } finally {
      telling.end()
      if (running === controller) {
        running = null
        go.hidden = !(stop.hidden = bar.hidden = true)
      }
    }
  }

  function done({ blob, stopped, message, frames }, kind, start) {
    made = { blob, format: kind, start }
    put(result, shown(blob, PLAYED.includes(kind) ? 'video' : 'image', 'video-result-alt'))
    save.hidden = false
    both.hidden = !player(source) || !player(result)
    if (!stopped) tell(say('video-painted', { frames: number(frames) }), 'good')
    else tell(`${message ? sorry({ code: 'x', message }) : say('stopped')} ${say('video-so-far', { frames: number(frames) })}`, message ? 'bad' : '')
  }

  function playBoth() {
    const [one, other] = [player(source), player(result)]
    one.muted = true
    other.currentTime = 0
    one.currentTime = made.start
    for (const each of [one, other]) each.play()
    other.ontimeupdate = () => {
      const due = made.start + other.currentTime
      if (!one.paused && Math.abs(one.currentTime - due) > SAME) one.currentTime = due
    }
    other.onpause = () => one.pause()
    other.onplay = () => one.play()
  }

  // Sets a time to where the source is shown now.
  const here = (input, key) => h('button', { type: 'button', class: 'quiet', tLabel: `${key}-here`, onclick: () => (input.value = player(source)?.currentTime.toFixed(2) ?? '') }, h('span', { t: 'video-here' }))
  const time = (input, key) => h('div', {}, h('div', { class: 'head' }, h('label', { for: input.id, t: key }), here(input, key)), input)

  on('styles', () => ((style = stillThere(style)), show()))
  document.addEventListener('language', () => (held.textContent = number(Number(steady.value))))
  const page = byId('video')
  page.addEventListener('drop', event => event.target.closest('.tiles') || use(event.dataTransfer.files[0]))
  page.replaceChildren(
    h('div', { class: 'wide' },
      h('div', { class: 'photo-box' }, h('div', { class: 'row' },
        h('button', { type: 'button', id: 'video-choose', class: 'primary', t: 'video-choose', onclick: async () => use((await chooseFiles({ accept: 'video/*,image/gif,image/webp,image/apng' }))[0]) }),
        h('span', { class: 'small', t: 'video-how', values: () => ({ seconds: number(mostSeconds), limit: number(mostBytes) }) }))),
      note, bar,
      h('div', { class: 'figures two' }, source, result),
      h('div', { class: 'row' }, both, save)),
    h('div', { class: 'panel' },
      h('section', { class: 'part' }, h('h2', { t: 'style' }), tiles),
      h('div', { class: 'part options' },
        h('div', {}, h('div', { class: 'head' }, h('label', { for: steady.id, t: 'video-steady' }), held), steady, h('p', { class: 'small', t: 'video-steady-how' })),
        h('div', { class: 'pairs' }, time(from, 'video-from'), time(to, 'video-to')),
        h('div', { class: 'pairs' },
          h('div', {}, h('label', { for: size.id, t: 'video-longer' }), size),
          h('div', {}, h('label', { for: format.id, t: 'format' }), format))),
      h('div', { class: 'row go' }, go, stop),
      h('p', { class: 'small privacy', t: 'video-privacy', values: () => ({ minutes: number(Math.ceil(state.offer.limits.keep_seconds / 60)) }) })))
}

// What a figure shows; what it has shown is let go of.
function put(figure, ...elements) {
  for (const one of figure.querySelectorAll('[src^="blob:"]')) URL.revokeObjectURL(one.src)
  figure.replaceChildren(...elements)
}

// Of '1:02.5', for one.
const seconds = text => text.trim().replace(',', '.').split(':').reduce((minutes, part) => 60 * minutes + Number(part), 0)

// A film that plays by its controls, or one that moves by itself.
function shown(blob, kind, key) {
  const src = URL.createObjectURL(blob)
  return kind === 'video' ? h('video', { src, controls: true, loop: true, playsinline: true, preload: 'auto', tLabel: key }) : h('img', { src, tAlt: key })
}
