// Means and deviations of features, and what AdaIN makes of them: as engine/statistics.py.

const EPSILON = 1e-5
export const LAYERS = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1']

// {total, mean, variance} of two parts of a picture (Chan, Golub and LeVeque 1983).
function together(one, other) {
  const total = one.total + other.total
  // Two parts of which nothing counts have nothing to tell.
  const share = total > 0 ? other.total / total : 0
  const difference = one.mean.map((mean, channel) => other.mean[channel] - mean)
  return {
    total,
    mean: one.mean.map((mean, channel) => mean + share * difference[channel]),
    variance: one.variance.map((variance, channel) =>
      variance + share * (other.variance[channel] - variance) + share * (1 - share) * difference[channel] ** 2),
  }
}

const byLayer = make => Object.fromEntries(LAYERS.map(layer => [layer, make(layer)]))

// {layer: moments of all parts}.
export const merged = parts => parts.reduce((all, part) => byLayer(layer => together(all[layer], part[layer])))

export const statisticsOf = ({ mean, variance }) => ({
  mean: Float32Array.from(mean),
  std: Float32Array.from(variance, value => Math.sqrt(Math.max(value, 0) + EPSILON)),
})

export const statisticsByLayer = moments => byLayer(layer => statisticsOf(moments[layer]))

// AdaIN as a scale and a shift of features (paper 004). gain: the most that the scale may be.
function exchange(style, own, gain) {
  const scale = style.std.map((std, channel) => Math.min(std / own.std[channel], gain || Infinity))
  return { scale, shift: style.mean.map((mean, channel) => mean - own.mean[channel] * scale[channel]) }
}

export const exchangeByLayer = (style, own, gain) => byLayer(layer => exchange(style[layer], own[layer], gain))

const mixed = (arrays, shares) => arrays[0].map((_, place) => arrays.reduce((sum, array, one) => sum + shares[one] * array[place], 0))

// Statistics of several styles in these shares, which may lie outside [0, 1]; deviations stay above 0.
export const blend = (codes, shares) => byLayer(layer => ({
  mean: mixed(codes.map(code => code[layer].mean), shares),
  std: mixed(codes.map(code => code[layer].std), shares).map(std => Math.max(std, 0)),
}))

export const blendColours = (tones, shares) => ({
  mean: mixed(tones.map(tone => tone.mean), shares), covariance: mixed(tones.map(tone => tone.covariance), shares),
})

// Several styles as one.
export const blended = (styles, shares) => ({
  length: styles.reduce((sum, style, one) => sum + style.length * shares[one], 0),
  statistics: blend(styles.map(style => style.statistics), shares), colours: blendColours(styles.map(style => style.colours), shares),
})
