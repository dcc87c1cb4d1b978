// The style's statistics → a scale and a shift for every channel of the decoder's convolutions: as engine/given.py.

import { LAYERS } from './statistics.js'

export class Conditioning {
  // weights: {name: Float32Array}. modulated: {convolution: channels}, in the order of painting.
  constructor(weights, modulated) {
    Object.assign(this, { weights, modulated })
  }

  // {layer: statistics} → {convolution: {scale, shift}}. detail: how much of the photo's is wanted, from 0 to 1.
  of(style, detail = 1) {
    const known = LAYERS.flatMap(layer => [...style[layer].mean, ...style[layer].std])
    // Means and deviations spread over decades; their logarithms do not.
    const values = Float32Array.from([...known.map(value => Math.log(Math.max(value, 0) + 0.01)), detail])
    const code = this.#linear('second', this.#linear('first', values).map(value => Math.max(value, 0)))
    const modulation = {}
    let place = 0
    for (const [name, count] of Object.entries(this.modulated)) {
      modulation[name] = {
        scale: code.slice(place, place + count).map(value => 1 + value), shift: code.slice(place + count, place + 2 * count),
      }
      place += 2 * count
    }
    return modulation
  }

  #linear(name, values) {
    const weight = this.weights[`conditioning.${name}.weight`], bias = this.weights[`conditioning.${name}.bias`]
    return bias.map((start, row) => values.reduce((sum, value, column) => sum + value * weight[row * values.length + column], start))
  }
}
