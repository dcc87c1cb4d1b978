// Saying things in the visitor's language, which can change while the page is open.

import { ERRORS, LANGUAGES, MEANINGS, NAMES } from './texts.js'

const spoken = [localStorage.getItem('language'), ...navigator.languages.map(code => code.slice(0, 2)), 'en']
let language = spoken.find(code => code in LANGUAGES)

export const current = () => language

export function say(key, values = {}) {
  return LANGUAGES[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name])
}

export const number = (value, how = {}) => new Intl.NumberFormat(language, { maximumSignificantDigits: 12, ...how }).format(value)

export function duration(seconds) {
  if (seconds >= 100) return say('minutes', { count: number(Math.round(seconds / 60)) })
  return say('seconds', { count: number(seconds < 3 ? Math.max(0.1, Math.round(10 * seconds) / 10) : Math.round(seconds)) })
}

const sentence = text => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`

// A Refusal, for a person.
export function sorry(error) {
  if (!error.code) throw error
  const own = `error-${error.code}`
  const why = own in LANGUAGES.en ? say(own) : ERRORS[language]?.[error.code] ?? sentence(error.message)
  return error.after ? say('try-again', { why, wait: duration(error.after) }) : why
}

const words = text => text.replaceAll('_', ' ').replaceAll('-', ' ')

// What an option means.
export const meaning = (name, text) => MEANINGS[language]?.[name] ?? text

// A name of an option, a choice or a style, as words.
export const named = name => NAMES[language]?.[name] ?? words(name)
export const titled = name => named(name).replace(/^./, first => first.toUpperCase())

// Puts a text into an element, or into an attribute of it, where it follows the language. key: or a function that says it.
export function put(element, key, values, attribute = '') {
  if (!placed.has(element)) {
    placed.set(element, new Map())
    said.add(new WeakRef(element))
  }
  placed.get(element).set(attribute, [key, values])
  write(element, attribute, key, values)
}

const placed = new WeakMap() // {element: {attribute: [key, values]}}
const said = new Set() // WeakRefs of these elements, on the page or not

function write(element, attribute, key, values) {
  const text = typeof key === 'function' ? key() : say(key, typeof values === 'function' ? values() : values)
  attribute ? element.setAttribute(attribute, text) : (element.textContent = text)
}

export function change(to) {
  language = to
  localStorage.setItem('language', to)
  translate()
}

// Everything that was said, also what is not on the page now, and what stands in its HTML.
export function translate() {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll('[data-t], [data-t-label], [data-t-title]')) {
    const { t, tLabel, tTitle } = element.dataset
    if (t) put(element, t)
    if (tLabel) put(element, tLabel, {}, 'aria-label')
    if (tTitle) put(element, tTitle, {}, 'title')
  }
  for (const one of said) {
    const element = one.deref()
    if (!element) said.delete(one)
    else for (const [attribute, [key, values]] of placed.get(element)) write(element, attribute, key, values)
  }
  document.dispatchEvent(new Event('language'))
}
