// Methods as people think of them. What the server does not have is not offered; its other methods follow by name.

import { say, titled } from './language.js'

const WAYS = [
  { id: 'instant', method: 'adain', options: {} },
  { id: 'finer', method: 'adain', options: { quality: 'finer' } },
  { id: 'finest', method: 'adain', options: { quality: 'finest' } },
  { id: 'monet', method: 'nla-cyclegan', generator: 'monet', options: {} },
  { id: 'gatys', method: 'gatys', options: {} },
]
const TIMED = ['finer', 'finest', 'gatys']

// [{id, method, options}]; method: as the server describes it.
export function waysOf(offer) {
  const known = WAYS.flatMap(way => {
    const method = offer.methods.find(one => one.name === way.method)
    const has = Object.entries(way.options).every(([name, value]) => method?.options[name]?.enum?.includes(value))
    return method && has && method.generator === way.generator ? [{ ...way, method }] : []
  })
  const named = new Set(known.map(way => way.method.name))
  const others = offer.methods.filter(method => !named.has(method.name))
  return [...known, ...others.map(method => ({ id: method.name, method, options: {} }))]
}

export const nameOf = way => (WAYS.some(one => one.id === way.id) ? say(`way-${way.id}`) : titled(way.id))
export const timeOf = way => (TIMED.includes(way.id) ? say(`way-${way.id}-time`) : '')
// Whether a small painting looks much as a large one: strokes are shares of the picture, as far as it has the pixels.
export const looksAlike = way => way.id === 'instant'
export const isQuick = way => !TIMED.includes(way.id)

// [{name, options: {name: schema}, when?: [names]}] of a method.
export function groupsOf(method) {
  const having = refining => Object.fromEntries(Object.entries(method.options).filter(([, schema]) => Boolean(schema.refining) === refining))
  const groups = [{ name: method.name, options: having(false) }]
  return method.refined_by?.length ? [...groups, { name: 'refinement', options: having(true), when: method.refined_by }] : groups
}

// The options that count now: those of a group with `when`, only if one of these is not as by default.
export function applying(way, changed) {
  const given = { ...changed, ...way.options }
  const differs = name => name in given && String(given[name]) !== String(way.method.options[name]?.default ?? '')
  return groupsOf(way.method).filter(group => !group.when || group.when.some(differs))
}

// Whether a style can be painted so: of one that is encoded, the server has no more than its first pass needs.
export function isPossible(style, way, changed) {
  if (!style?.encoded || !way) return true
  const goesOn = applying(way, changed).some(group => group.when)
  return way.method.takes_encoded !== false && !goesOn && changed.colour !== 'match' && !('style_scale' in changed)
}
