// Controls for the options of a way, made from what the schema says of each: no range and no default stands here.

import { h } from './dom.js'
import { on, state, tell } from './state.js'
import { meaning, number, say, titled } from './language.js'
import { applying } from './ways.js'

const ELSEWHERE = ['method', 'quality', 'style_blend'] // ways and weights decide these
const FEW = 3
const LONGEST_SLIDER = 1000

// What is wished for: only what the visitor changed, and what counts now.
export function wished() {
  const all = Object.assign({}, ...applying(state.way, state.options).map(group => group.options))
  const given = Object.entries(state.options).filter(([name, value]) => name in all && value !== '')
  return { ...(state.offer.methods.length > 1 ? { method: state.way.method.name } : {}), ...Object.fromEntries(given), ...state.way.options }
}

export function set(name, value) {
  const schema = state.way.method.options[name]
  const isDefault = value === '' || (schema?.default !== undefined && String(schema.default) === String(value))
  if (isDefault) delete state.options[name]
  else state.options[name] = value
  tell('options')
  tell('changed')
}

export function optionsPart() {
  const plain = h('div', { class: 'options' })
  const rest = h('div', {})
  const reset = h('button', { type: 'button', class: 'quiet', t: 'reset-options', hidden: true, onclick: () => ((state.options = {}), build(), tell('options'), tell('changed')) })
  const details = h('details', { class: 'part', id: 'rest' }, h('summary', { t: 'everything' }), rest)
  const part = h('section', { class: 'part', id: 'options-part' },
    h('div', { class: 'head' }, h('h2', { t: 'options' }), reset), plain)
  let shape = ''
  const build = () => {
    const groups = applying(state.way, state.options)
    shape = groups.map(group => Object.keys(group.options)).join()
    const offered = groups.map(group => [group.name, Object.entries(group.options).filter(([name, schema]) => isOffered(name, schema))])
    const all = offered.flatMap(([, options]) => options)
    plain.replaceChildren(...all.filter(isPlain).sort(ownFirst).map(one => control(...one)))
    rest.replaceChildren(...offered.map(([name, options]) => group(name, options.filter(one => !isPlain(one)))).filter(Boolean))
  }
  const update = () => {
    reset.hidden = !Object.keys(state.options).length
    const groups = applying(state.way, state.options)
    if (groups.map(one => Object.keys(one.options)).join() !== shape) rebuilt(build)
  }
  on('way', update)
  on('options', update)
  on('settings', () => (build(), update()))
  document.addEventListener('language', build)
  return [part, details]
}

// What was focused is so afterwards.
function rebuilt(build) {
  const focused = document.activeElement?.id
  build()
  document.getElementById(focused)?.focus()
}

// What fewer methods have stands before what more have.
const havers = name => state.offer.options[name]?.methods?.length ?? Infinity
const ownFirst = ([one], [two]) => (havers(one) === havers(two) ? 0 : havers(one) - havers(two))
// What refines is never what most people want.
const isPlain = ([, schema]) => schema.plain && !schema.refining
const isOffered = (name, schema) => !ELSEWHERE.includes(name) && schema.enum?.length !== 1

function group(name, options) {
  if (!options.length) return null
  const title = name === 'refinement' ? h('h3', { t: 'group-refinement' }) : h('h3', {}, name)
  return h('div', { class: 'group' }, title, h('div', { class: 'options' }, ...options.map(one => control(...one))))
}

const UNITS = { px: 'px', s: 's', mb: 'MB', mp: 'MP' }

export function control(name, schema) {
  const value = state.options[name] ?? schema.default ?? ''
  const label = `${titled(name)}${UNITS[schema.unit] ? `, ${UNITS[schema.unit]}` : ''}`
  const words = description({ ...schema, description: meaning(name, schema.description) })
  const help = h('p', { class: 'small', id: `help-${name}` }, words)
  if (schema.enum) return choices(name, schema, String(value), label, help)
  return slides(schema) ? slider(name, schema, value, label, help) : field(name, schema, value, label, help)
}

// With a range that the control does not show by itself.
function description({ description: text = '', minimum, maximum, ...schema }) {
  const range = maximum !== undefined && maximum <= LONGEST_SLIDER && !slides({ minimum, maximum, ...schema })
  return `${text.replace(/^./, first => first.toUpperCase())}${range ? ` (${number(minimum)} – ${number(maximum)})` : ''}`
}

function choices(name, schema, value, label, help) {
  const options = [...(schema.default === undefined ? ['']: []), ...schema.enum]
  const words = one => (one === '' ? say('as-default') : titled(String(one)))
  if (options.length <= FEW) {
    const choice = one =>
      h('label', { class: 'choice' },
        h('input', { type: 'radio', name, value: one, checked: value === String(one), onchange: () => set(name, one) }),
        h('span', {}, words(one)))
    return h('fieldset', { id: `option-${name}`, 'aria-describedby': help.id }, h('legend', {}, label), h('div', { class: 'segments' }, ...options.map(choice)), help)
  }
  const select = h('select', { id: `option-${name}`, 'aria-describedby': help.id },
    ...options.map(one => h('option', { value: one }, words(one))))
  select.value = value
  select.addEventListener('change', () => set(name, select.value))
  return h('div', {}, h('label', { for: select.id }, label), select, help)
}

const slides = ({ default: value, minimum, maximum }) =>
  value !== undefined && minimum !== undefined && maximum !== undefined && maximum - minimum <= LONGEST_SLIDER

function slider(name, schema, value, label, help) {
  const step = schema.type === 'integer' ? 1 : stepOf(schema)
  const output = h('output', { for: `option-${name}` }, number(Number(value)))
  const input = h('input', { type: 'range', id: `option-${name}`, min: schema.minimum, max: schema.maximum, step, value, 'aria-describedby': help.id })
  input.addEventListener('input', () => {
    output.textContent = number(Number(input.value))
    set(name, Number(input.value))
  })
  return h('div', {}, h('div', { class: 'head' }, h('label', { for: input.id }, label), output), input, help)
}

// The coarsest of 1, 0.1, 0.05 ... on which lie the default and both ends, and that has a hundred places or so.
function stepOf({ default: value, minimum, maximum }) {
  const lies = step => [minimum, maximum, value].every(one => Math.abs(one / step - Math.round(one / step)) < 1e-6)
  return [0.05, 0.01, 0.005, 0.001].find(step => lies(step) && (maximum - minimum) / step >= 20) ?? 'any'
}

// As text, because a browser's numbers are not whole beyond 2^53 and its empty number is 0. What is wrong, the server says.
function field(name, schema, value, label, help) {
  const isNumber = schema.type === 'integer' || schema.type === 'number'
  const input = h('input', {
    type: 'text', inputmode: isNumber ? 'decimal' : null, id: `option-${name}`, value: String(value), autocomplete: 'off',
    spellcheck: 'false', 'aria-describedby': help.id, ...(schema.default === undefined ? { tPlaceholder: name === 'size' ? 'own-size' : 'as-default' } : {}),
  })
  input.addEventListener('change', () => {
    const text = input.value.trim()
    set(name, isNumber ? text.replace(',', '.') : text)
    if (!text) input.value = String(schema.default ?? '')
  })
  return h('div', {}, h('label', { for: input.id }, label), input, help)
}
