// The settings of an earlier painting, once more.

import { chooseFiles, h } from './dom.js'
import { recordOf } from './record.js'
import { state, tell } from './state.js'
import { named, say } from './language.js'
import { waysOf } from './ways.js'

export function againPart() {
  return h('details', { class: 'part takes-files', id: 'again', ondrop: event => take(event.dataTransfer.files[0]) },
    h('summary', { t: 'again' }),
    h('p', { class: 'small', t: 'again-how' }),
    h('button', { type: 'button', t: 'again-choose', onclick: async () => take((await chooseFiles())[0]) }))
}

async function take(file) {
  if (!file) return
  const record = await recordOf(file)
  if (!record) return tell('trouble', () => say('again-none'))
  const missing = adopt(record)
  tell('settings')
  tell('way')
  tell('styles')
  tell('chosen')
  tell('options')
  tell('said', () => (missing.length ? say('again-but', { what: missing.join(', ') }) : say('again-done')))
}

// Fills the page's choices; what is left out, in words.
export function adopt({ options, style }) {
  const ways = waysOf(state.offer).filter(way => way.method.name === options.method)
  if (!ways.length) return [`method ${options.method}`]
  const fits = way => Object.entries(way.options).every(([name, value]) => options[name] === value)
  state.way = ways.filter(fits).sort((one, two) => Object.keys(two.options).length - Object.keys(one.options).length)[0] ?? ways[0]
  const missing = []
  const schema = state.way.method.options
  state.options = {}
  for (const [name, value] of Object.entries(options)) {
    const known = schema[name]
    if (!known || value === null || name === 'style_blend' || name in state.way.options || value === known.default) continue
    if (known.enum && !known.enum.includes(value)) missing.push(`${named(name)} ${value}`)
    else state.options[name] = value
  }
  const wanted = (Array.isArray(style) ? style : []).filter(name => typeof name === 'string')
  const found = wanted.map(name => state.styles.find(one => one.name === name && !one.own)).filter(Boolean)
  const weights = String(options.style_blend ?? '').split(',').map(Number)
  missing.push(...wanted.filter(name => !found.some(one => one.name === name)).map(named))
  state.chosen = found
  state.mixing = found.length > 1
  state.places = false
  state.weights = new Map(found.length === weights.length ? found.map((one, place) => [one, weights[place]]) : [])
  return missing
}
