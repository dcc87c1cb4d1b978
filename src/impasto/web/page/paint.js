// From the press of a button to the painting.

import { backend } from './backend.js'
import { mayTryAgain } from './refusal.js'
import { byId } from './dom.js'
import { wished as optionsWished } from './options.js'
import { progress, showAgain, showPreview } from './stage.js'
import { on, state, tell, titleOf } from './state.js'
import { wished as stylesWished } from './styles.js'
import { duration, named, number, say, sorry } from './language.js'
import { add } from './visit.js'
import { isPossible, isQuick, nameOf } from './ways.js'

const SPOKEN = 3 // seconds between two words on the same job, as they are read aloud
const LONGEST_PAUSE = 10 // seconds between two tries when the queue is full

const [go, stop, status] = ['go', 'stop', 'status'].map(byId)
let running = null // the AbortController of what is being painted
let again = false // whether something else was chosen meanwhile

export function begin() {
  go.addEventListener('click', () => paint())
  stop.addEventListener('click', () => running?.abort())
  on('paint-now', () => {
    if (state.photo && isQuick(state.way) && !(state.mixing && state.places)) paint()
  })
  for (const what of ['photo', 'chosen', 'way', 'changed', 'settings']) on(what, () => ready(false))
  on('trouble', text => note(text, 'bad'))
  on('failed', error => note(sorry(error), 'bad'))
  on('said', text => note(text))
  ready(false)
}

export function note(text, kind = '') {
  status.textContent = text
  status.className = kind
}

// fresh: whether what is shown was painted as is chosen now.
function ready(fresh) {
  go.disabled = !state.photo
  document.body.classList.toggle('fresh', fresh)
}

// A wish of what is chosen now, for any photo. Throws an Error whose message is the text's key.
export async function wish(photo = state.photo) {
  if (!photo) throw new Error('no-photo')
  const { styles, masks, options } = await stylesWished()
  if (styles.length && !state.chosen.every(style => isPossible(style, state.way, state.options))) throw new Error('needs-painting')
  const chosen = { ...optionsWished(), ...options }
  if (photo.fits && !chosen.size) chosen.size = photo.fits
  return { photo: photo.blob, styles, masks, options: chosen }
}

export function caption() {
  const styles = state.way.method.takes_style ? [state.chosen.map(titleOf).join(' + ')] : []
  const changed = Object.entries(optionsWished()).filter(([name]) => name in state.options)
  return [...styles, nameOf(state.way), ...changed.map(([name, value]) => `${named(name)} ${value}`)].join(' · ')
}

async function paint() {
  if (running) {
    // The latest choice counts.
    again = true
    running.abort()
    return
  }
  const [photo, called, controller] = [state.photo, state.way && caption(), new AbortController()]
  let asked
  try {
    asked = await wish()
  } catch (error) {
    return note(say(error.message), 'bad')
  }
  running = controller
  stop.hidden = false
  document.body.classList.add('painting')
  note(say('sending'), 'busy')
  progress(undefined)
  const telling = new Telling(note)
  try {
    const painting = await backend.paint({ ...asked, keep: true }, {
      signal: controller.signal,
      progress: now => (telling.hear(now), progress(now.total ? now.step / now.total : undefined)),
      preview: address => photo === state.photo && !again && showPreview(address),
    })
    telling.end()
    if (!again) {
      await add(painting, { photo, caption: called })
      note(...ended(painting))
      ready(!painting.stopped)
    }
  } catch (error) {
    telling.end()
    if (!again) {
      showAgain()
      error.code === 'cancelled' ? note(say('stopped')) : note(sorry(error), 'bad')
    }
  } finally {
    telling.end()
    running = null
    stop.hidden = true
    document.body.classList.remove('painting')
    progress(null)
  }
  if (again) {
    again = false
    await paint()
  }
}

function ended({ seconds, stopped, message }) {
  if (!stopped) return [say('painted', { seconds: duration(seconds ?? 0) }), 'good']
  return message ? [say('best-so-far', { why: sorry({ code: 'x', message }) }), 'bad'] : [say('stopped-best')]
}

// What a job does, in words; time runs on between two reports. say: called with the words and their kind.
export class Telling {
  constructor(tell) {
    this.tell = tell
  }

  hear(now) {
    clearInterval(this.timer)
    const since = performance.now()
    const speak = () => this.tell(doing(now, (performance.now() - since) / 1000), 'busy')
    speak()
    this.timer = setInterval(speak, 1000 * SPOKEN)
  }

  end() {
    clearInterval(this.timer)
  }
}

function doing({ status: what, position, wait, left, step, total, fps }, passed) {
  if (what === 'queued') {
    const soon = duration(Math.max(1, (wait ?? 0) - passed))
    return position ? say('queue', { position: number(position), wait: soon }) : say('next', { wait: soon })
  }
  const rest = left && left - passed > 0.5 ? duration(Math.ceil(left - passed)) : ''
  if (fps) return say(rest ? 'video-painting-left' : 'video-painting', { step: number(step), total: number(total), fps: number(fps, { maximumSignificantDigits: 2 }), left: rest })
  if (total) return say(rest ? 'painting-step-left' : 'painting-step', { step: number(step), total: number(total), left: rest })
  return say(rest ? 'painting-left' : 'painting', { left: rest })
}

// A painting, however full the server is: like any polite client it comes back when it was told to.
export async function patiently(one, watch) {
  for (;;) {
    try {
      return await backend.paint(one, watch)
    } catch (error) {
      if (!mayTryAgain(error)) throw error
      await new Promise(resolve => {
        const timer = setTimeout(resolve, 1000 * Math.min(error.after, LONGEST_PAUSE))
        watch?.signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
      })
      if (watch?.signal?.aborted) throw Object.assign(error, { code: 'cancelled' })
    }
  }
}

// As many at a time as a server paints beside each other without the last one waiting for long.
export async function eachOf(items, one, { signal, together = 2 } = {}) {
  const waiting = [...items]
  await Promise.all(Array.from({ length: together }, async () => {
    while (waiting.length && !signal?.aborted) await one(waiting.shift())
  }))
}
