// The engine's graphs, run by ONNX Runtime: as tools/onnxruntime_backend.py.

import { Conditioning } from './conditioning.js'
import { AtOnce } from './given.js'
import { Pixels } from './raster.js'
import { parsed } from './safetensors.js'
import { LAYERS } from './statistics.js'

const SHARED = ['total', 'shared_mean', 'shared_variance'], ALIKE = ['mean', 'variance']
const moments = kinds => LAYERS.flatMap(layer => kinds.map(kind => `${layer}.${kind}`))

function momentsOf(found, kinds, size) {
  return Object.fromEntries(LAYERS.map((layer, halvings) => {
    const [mean, variance] = kinds.slice(-2).map(kind => Float64Array.from(found[`${layer}.${kind}`].data))
    const positions = size.reduce((count, side) => count * Math.ceil(side / 2 ** halvings), 1)
    return [layer, { total: found[`${layer}.total`]?.data[0] ?? positions, mean, variance }]
  }))
}

export class Graphs {
  // ort: the runtime's module. provider: wasm or webgpu. networks: what the build wrote of all. files: {encode, paint, strokes, conditioning}: buffers.
  static async load(ort, provider, networks, files) {
    const settings = { executionProviders: [provider], graphOptimizationLevel: 'all' }
    const sessions = {}
    for (const name of ['encode', 'paint', 'strokes']) sessions[name] = await ort.InferenceSession.create(files[name], settings)
    const weights = Object.fromEntries(Object.entries(parsed(files.conditioning).arrays).map(([name, { data }]) => [name, data]))
    return new Graphs({ ort, sessions, conditioning: new Conditioning(weights, networks.modulated), ...networks })
  }

  constructor(parts) {
    Object.assign(this, parts)
  }

  // {layer: moments of its features}. shares: how much each position counts; null where all of them do.
  async encode(picture, shares) {
    const kinds = shares ? SHARED : ALIKE
    return momentsOf(await this.sessions.encode.run(this.#seen(picture, shares), moments(kinds)), kinds, picture.size)
  }

  // The picture with its features and the decoder's responses as given, which nothing keeps within [0, 1].
  async paint(picture, given, grounds) {
    const wanted = given instanceof AtOnce ? moments(ALIKE) : []
    const found = await this.sessions.encode.run(this.#seen(picture), [...LAYERS, ...wanted])
    const exchange = given.exchanging(wanted.length ? momentsOf(found, ALIKE, picture.size) : null)
    const inputs = Object.fromEntries(LAYERS.map(layer => [layer, found[layer]]))
    for (const [name, pair] of Object.entries({ ...exchange, ...given.modulation })) {
      for (const [kind, values] of Object.entries(pair)) inputs[`${name}.${kind}`] = this.#tensor(values)
    }
    for (const [name, noise] of Object.entries(grounds)) inputs[`${name}.ground`] = this.#tensor(noise)
    const { painted } = await this.sessions.paint.run(inputs)
    return new Pixels(3, ...picture.size, painted.data)
  }

  // A painting with its strokes drawn out. over: what it was painted over. reach, share: a number, or pixels.
  async draw(painted, over, reach, share, contrast) {
    const inputs = { painted, over, reach: numbered(reach), share: numbered(share), contrast: numbered(contrast) }
    const { drawn } = await this.sessions.strokes.run(this.#tensors(inputs), ['drawn'])
    return new Pixels(3, ...painted.size, drawn.data)
  }

  // How long a painting's strokes are, from 0 to 1.
  async length(painting) {
    const { long, ofLong, ofShort } = this.strokes
    const inputs = { painted: painting, over: painting.map(() => 0), reach: [long], share: [0], contrast: [1] }
    const { change } = await this.sessions.strokes.run(this.#tensors(inputs), ['change'])
    return Math.min(1, Math.max(0, (ofShort - change.data[0]) / (ofShort - ofLong)))
  }

  #tensors(inputs) {
    return Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, this.#tensor(values)]))
  }

  #seen(picture, shares) {
    return { picture: this.#tensor(picture), shares: this.#tensor(shares || new Pixels(1, ...picture.size).map(() => 1)) }
  }

  // values: a number for each channel, or pixels.
  #tensor(values) {
    const isMap = values instanceof Pixels
    const shape = isMap ? [1, values.channels, values.height, values.width] : [1, values.length, 1, 1]
    return new this.ort.Tensor('float32', isMap ? values.data : Float32Array.from(values), shape)
  }
}

const numbered = value => (typeof value === 'number' ? [value] : value)
