// Paints beside the page, one picture after the other.

import { Refusal } from '../refusal.js'
import { read, written } from './files.js'
import { Graphs } from './graphs.js'
import { painted } from './painting.js'
import { parsed } from './safetensors.js'
import { LAYERS } from './statistics.js'

const MOST_THREADS = 8 // more share too little work

const here = name => new URL(name, import.meta.url)
const buffer = async name => (await fetch(here(name))).arrayBuffer()
const json = async name => (await fetch(here(name))).json()

// A graphics processor computes where there is one; what only imitates one is slower than WebAssembly.
async function hasGraphics() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null)
  return Boolean(adapter && !adapter.info?.isFallbackAdapter)
}

async function load() {
  const [networks, ...files] = await Promise.all([
    json('assets/networks.json'), buffer('assets/encode.onnx'), buffer('assets/paint.onnx'), buffer('assets/strokes.onnx'), buffer('assets/conditioning.safetensors'),
  ])
  const on = provider => graphs(provider, networks, { encode: files[0], paint: files[1], strokes: files[2], conditioning: files[3] })
  return (await hasGraphics()) ? on('webgpu').catch(() => on('wasm')) : on('wasm')
}

async function graphs(provider, networks, files) {
  const ort = await import(`./runtime/ort.${provider}.min.mjs`)
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1
  ort.env.wasm.wasmPaths = here('runtime/').href
  ort.env.logLevel = 'error'
  return Graphs.load(ort, provider, networks, files)
}

// {name: encoded style} of impasto's own.
async function named() {
  const { arrays, about } = parsed(await buffer('assets/styles.safetensors'))
  return Object.fromEntries(about.styles.map(({ name }, place) => {
    const one = key => arrays[key].data.subarray((place * arrays[key].data.length) / about.styles.length, ((place + 1) * arrays[key].data.length) / about.styles.length)
    const statistics = Object.fromEntries(LAYERS.map(layer => [layer, { mean: one(`${layer}.mean`), std: one(`${layer}.std`) }]))
    return [name, { statistics, colours: { mean: one('colours.mean'), covariance: one('colours.covariance') }, length: about.lengths[place] }]
  }))
}

const stopped = new Set()
let loaded = begun()

function begun() {
  const both = Promise.all([load(), named()])
  both.then(() => postMessage({ ready: true }), () => (loaded = null))
  return both
}

async function paint(id, { photo, styles, masks, options, record, megapixels, side }) {
  loaded ??= begun()
  const [backend, known] = await loaded
  // Letters that came meanwhile are read before the next tile.
  const breath = () => new Promise(resolve => setTimeout(resolve))
  const step = async (done, total) => {
    postMessage({ id, step: done, total })
    await breath()
    if (stopped.has(id)) throw new Refusal('cancelled', 'cancelled')
  }
  await step(0, 0)
  const began = performance.now()
  const result = await painted(backend, {
    photo: await read(photo), options, megapixels, side,
    styles: await Promise.all(styles.map(async style => known[style.name] ?? { bytes: await read(style.blob) })),
    masks: await Promise.all(masks.map(mask => mask && read(mask))),
  }, step)
  const seconds = (performance.now() - began) / 1000
  const made = { ...record, size: [result.width, result.height], seconds: Math.round(100 * seconds) / 100 }
  return { blob: await written(result, made), seconds }
}

let turn = Promise.resolve()

onmessage = ({ data: { id, wish, stop } }) => {
  if (stop) return stopped.add(stop)
  turn = turn.then(() => paint(id, wish)).then(
    done => postMessage({ id, done }),
    error => postMessage({ id, refusal: { code: error.code ?? (error instanceof RangeError ? 'OutOfMemoryError' : 'internal'), message: String(error.message ?? error) } }))
}
