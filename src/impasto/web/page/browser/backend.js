// Painting by the browser itself: nothing leaves it.

import { Refusal } from '../refusal.js'

const here = name => new URL(name, import.meta.url)
const json = async name => (await fetch(here(name))).json()

const jobs = new Map() // {number: {settle, refuse, progress}}
let worker = null
let count = 0
let offered = null // {methods, options, limits}
let pictures = null // {name: address} of styles that are pictures

function begun() {
  worker = new Worker(here('worker.js'), { type: 'module' })
  worker.addEventListener('message', ({ data: { ready, id, step, total, done, refusal } }) => {
    // What else the page may want one day is kept as well.
    if (ready) return navigator.serviceWorker?.controller?.postMessage('keep')
    const job = jobs.get(id)
    if (step !== undefined) return job.progress?.({ status: 'running', step, total })
    jobs.delete(id)
    if (done) job.settle({ ...done, stopped: false })
    else job.refuse(new Refusal(refusal.code, refusal.message))
  })
  worker.addEventListener('error', () => {
    for (const job of jobs.values()) job.refuse(new Refusal('worker-died', 'painting ended unexpectedly'))
    jobs.clear()
    worker = null
  })
}

// With service workers a page is there without a network, and may share memory between threads wherever it was put: they
// add the headers for that. They do from the second time on that the page is opened, which is at once.
async function offline() {
  if (!navigator.serviceWorker) return
  try {
    await navigator.serviceWorker.register(here('../../offline.js'))
    await navigator.serviceWorker.ready
  } catch {
    return // A browser that keeps nothing paints all the same.
  }
  if (self.crossOriginIsolated || sessionStorage.getItem('isolated')) return
  sessionStorage.setItem('isolated', 'tried')
  location.reload()
  await new Promise(() => {})
}

// What is known of a style: its picture, or only its name.
async function whole({ name, blob }) {
  if (blob || !pictures[name]) return blob ? { blob } : { name }
  try {
    return { blob: await (await fetch(pictures[name])).blob() }
  } catch {
    throw new Refusal('unreachable', 'the picture of the style cannot be fetched')
  }
}

// {option: value} of all that are offered, those that were not wished for as by default.
function checked(options) {
  const chosen = {}
  for (const [name, { type, default: usual, minimum = -Infinity, maximum = Infinity }] of Object.entries(offered.options)) {
    const value = options[name] ?? usual
    chosen[name] = type === 'string' || value === undefined ? value : Number(value)
    const isWrong = chosen[name] < minimum || chosen[name] > maximum || Number.isNaN(chosen[name]) || (type === 'integer' && value !== undefined && !Number.isInteger(chosen[name]))
    if (isWrong) throw new Refusal('wrong-option', `${name} is '${value}', but must be a ${type} from ${minimum} to ${maximum}`)
  }
  return chosen
}

export const browser = {
  slowFrom: 0.9,
  async open() {
    await offline()
    begun()
    return { wantsKey: false, signedIn: false }
  },
  async offer() {
    offered = await json('assets/offer.json')
    return offered
  },
  async styles() {
    const { styles } = await json('assets/styles.json')
    pictures = Object.fromEntries(styles.filter(style => !style.encoded).map(({ name, picture }) => [name, picture]))
    return styles
  },
  photos: async () => (await json('assets/styles.json')).photos,
  async paint({ photo, styles, masks = [], options = {}, side }, { signal, accepted, progress } = {}) {
    const chosen = checked(options)
    const { result_megapixels: megapixels } = offered.limits
    const record = { software: 'impasto', method: 'adain', options, style: styles.map(style => style.name ?? ''), device: 'browser' }
    const wish = { photo, styles: await Promise.all(styles.map(whole)), masks, options: chosen, record, megapixels, side }
    if (signal?.aborted) throw new Refusal('cancelled', 'cancelled')
    if (!worker) begun()
    const id = ++count
    const stop = () => worker?.postMessage({ stop: id })
    signal?.addEventListener('abort', stop)
    return new Promise((settle, refuse) => {
      jobs.set(id, { settle, refuse, progress })
      worker.postMessage({ id, wish })
      accepted?.()
    }).finally(() => signal?.removeEventListener('abort', stop))
  },
  encoded: async () => {
    throw new Refusal('not-kept', 'paintings are kept by the page alone')
  },
  leave: () => {},
}
