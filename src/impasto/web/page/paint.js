// From the press of a button to the painting.

import { backend } from './backend.js'
import { mayTryAgain } from './refusal.js'
import { byId, h, spoken } from './dom.js'
import { wished as optionsWished } from './options.js'
import { progress, showAgain, showPreview } from './stage.js'
import { on, state, tell, titleOf } from './state.js'
import { wished as stylesWished } from './styles.js'
import { duration, named, number, say, sorry } from './language.js'
import { add } from './visit.js'
import { isPossible, isQuick, looksAlike, nameOf } from './ways.js'

const SPOKEN = 3 // seconds between two words on the same job, as they are read aloud
const SMALL = 0.2 // pixels of the painting that is seen while a slow one is made, as a share of those of the fastest slow one
const LONGEST_PAUSE = 10 // seconds between two tries when the queue is full

const [go, stop] = ['go', 'stop'].map(byId)
const [, note] = spoken(byId('status'))
let running = null // the AbortController of what is being painted
let again = false // whether something else was chosen meanwhile

export function begin() {
  go.addEventListener('click', () => paint())
  stop.addEventListener('click', () => running?.abort())
  on('paint-now', () => {
    if (state.photo && isQuick(state.way) && !(state.mixing && state.places)) paint()
  })
  for (const what of ['photo', 'chosen', 'way', 'changed', 'settings']) on(what, () => ready(false))
  // Words are functions, here as everywhere, so that they follow the language.
  on('trouble', words => note(words, 'bad'))
  on('failed', error => note(() => sorry(error), 'bad'))
  on('said', words => note(words))
  ready(false)
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

// What is chosen now, in words.
function caption() {
  const { way } = state
  const styles = way.method.takes_style ? [state.chosen.map(titleOf).join(' + ')] : []
  const changed = Object.entries(optionsWished()).filter(([name]) => name in state.options)
  return () => [...styles, nameOf(way), ...changed.map(([name, value]) => `${named(name)} ${value}`)].join(' · ')
}

async function paint() {
  if (running) {
    // The latest choice counts.
    again = true
    running.abort()
    return
  }
  byId('stage').scrollIntoView({ block: 'nearest' })
  const [photo, called, controller] = [state.photo, state.way && caption(), new AbortController()]
  let asked
  try {
    asked = await wish()
  } catch (error) {
    return note(() => say(error.message), 'bad')
  }
  running = controller
  stop.hidden = false
  document.body.classList.add('painting')
  note(() => say('sending'), 'busy')
  progress(undefined)
  const telling = new Telling(note)
  const preview = address => running === controller && photo === state.photo && !again && showPreview(address)
  try {
    const slow = isSlow(asked)
    if (slow) await beginSmall(asked, controller.signal, preview)
    // Where one of them is all that may be asked for at a time, it waits for the other.
    const painting = await (slow ? patiently : backend.paint)({ ...asked, keep: true }, {
      signal: controller.signal,
      progress: now => (telling.hear(now), progress(now.total ? now.step / now.total : undefined)),
      preview,
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
      error.code === 'cancelled' ? note(() => say('stopped')) : note(() => sorry(error), 'bad')
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

// Whether it takes so long that a small painting, which looks much the same, is worth its time.
function isSlow({ options }) {
  const { width, height } = state.photo
  const scale = options.size ? options.size / Math.max(width, height) : 1
  return width > 0 && looksAlike(state.way) && width * height * scale ** 2 > backend.slowFrom * 1e6
}

// Begins a small painting, which comes before the large one that is asked for next. If it fails, there is no preview.
async function beginSmall(asked, signal, preview) {
  const { blob, width, height } = state.photo
  const scale = Math.sqrt((SMALL * backend.slowFrom * 1e6) / (width * height))
  if (!smalls.has(blob)) smalls.set(blob, smaller(blob, scale))
  const photo = await smalls.get(blob).catch(() => null)
  if (!photo) return
  const show = ({ blob }) => {
    const address = URL.createObjectURL(blob)
    preview(address)
    setTimeout(() => URL.revokeObjectURL(address), 10_000)
  }
  const wish = { ...asked, photo, options: { ...asked.options, size: Math.round(scale * Math.max(width, height)) } }
  await new Promise(resolve => backend.paint(wish, { signal, accepted: resolve }).then(show).catch(resolve))
}

const smalls = new WeakMap() // {a photo's Blob: promise of that of a small one}

async function smaller(blob, scale) {
  const picture = await createImageBitmap(blob)
  const canvas = h('canvas', { width: Math.max(1, Math.round(scale * picture.width)), height: Math.max(1, Math.round(scale * picture.height)) })
  const pen = canvas.getContext('2d')
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height)
  picture.close()
  return new Promise(resolve => canvas.toBlob(resolve, 'image/webp', 0.95))
}

function ended({ seconds, stopped, message }) {
  if (!stopped) return [() => say('painted', { seconds: duration(seconds ?? 0) }), 'good']
  return message ? [() => say('best-so-far', { why: sorry({ code: 'x', message }) }), 'bad'] : [() => say('stopped-best')]
}

// What a job does, in words; time runs on between two reports. say: called with the words and their kind.
export class Telling {
  constructor(tell) {
    this.tell = tell
  }

  hear(now) {
    clearInterval(this.timer)
    const since = performance.now()
    const speak = () => {
      const passed = (performance.now() - since) / 1000
      this.tell(() => doing(now, passed), 'busy')
    }
    speak()
    this.timer = setInterval(speak, 1000 * SPOKEN)
  }

  end() {
    clearInterval(this.timer)
  }
}

function doing({ status: what, position, wait, left, step, total, fps }, passed) {
  if (what === 'queued') {
    if (position === null) return say('put-off')
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
