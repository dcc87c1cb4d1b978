// Starts the page: who paints, who may come in, the tabs.

import { backend } from './backend.js'
import { byId, h } from './dom.js'
import { againPart } from './again.js'
import { batchPart } from './batch.js'
import { optionsPart } from './options.js'
import * as paint from './paint.js'
import * as photo from './photo.js'
import * as stage from './stage.js'
import { on, state, tell } from './state.js'
import { label, stylePart } from './styles.js'
import { change, current, duration, say, sorry, translate } from './language.js'
import { LANGUAGES } from './texts.js'
import { nameOf, timeOf, waysOf } from './ways.js'

const TABS = ['paint', 'styles', 'compare', 'explore', 'video']
let tabs = TABS // those that make sense with what is offered
const LATER = { styles: './sheet.js', compare: './compare.js', explore: './explore.js', video: './video.js' }
const begun = new Set(['paint'])

async function show(name, { focus = false } = {}) {
  for (const one of TABS) {
    const tab = byId(`tab-${one}`)
    tab.setAttribute('aria-selected', one === name)
    tab.tabIndex = one === name ? 0 : -1
    byId(one).hidden = one !== name
    if (one === name && focus) tab.focus()
  }
  scrollTo(0, 0)
  if (begun.has(name)) return
  begun.add(name)
  ;(await import(LATER[name])).begin()
}

function corner() {
  for (const name of TABS) byId(`tab-${name}`).addEventListener('click', () => show(name))
  byId('tab-paint').parentElement.addEventListener('keydown', event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    const here = tabs.findIndex(name => byId(`tab-${name}`) === document.activeElement)
    const to = { Home: 0, End: tabs.length - 1 }[event.key] ?? (step && (here + step + tabs.length) % tabs.length)
    if (to === undefined) return
    event.preventDefault()
    show(tabs[to], { focus: true })
  })
  byId('theme').addEventListener('click', () => {
    const root = document.documentElement
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
    root.dataset.theme = dark ? 'light' : 'dark'
    localStorage.setItem('theme', root.dataset.theme)
  })
  const languages = Object.keys(LANGUAGES)
  const button = byId('language')
  const other = () => languages[(languages.indexOf(current()) + 1) % languages.length]
  const name = () => {
    button.textContent = other().toUpperCase()
    button.lang = other()
    button.setAttribute('aria-label', `${button.textContent}: ${new Intl.DisplayNames(other(), { type: 'language' }).of(other())}`)
  }
  button.addEventListener('click', () => (change(other()), name()))
  name()
}

function wayPart() {
  const ways = waysOf(state.offer)
  state.way = ways[0]
  const choices = h('div', { class: 'ways' })
  const draw = () => choices.replaceChildren(...ways.map(way =>
    h('label', { class: 'way' },
      h('input', { type: 'radio', name: 'way', value: way.id, checked: way.id === state.way.id, onchange: () => ((state.way = way), tell('way'), tell('changed')) }),
      h('span', { class: 'name' }, nameOf(way), h('small', {}, [timeOf(way), way.method.name].filter(Boolean).join(' · '))))))
  on('settings', () => {
    state.way = ways.find(way => way.id === state.way.id)
    draw()
  })
  document.addEventListener('language', draw)
  draw()
  return h('fieldset', { class: 'part', id: 'way-part', hidden: ways.length < 2 }, h('legend', { t: 'way' }), choices)
}

async function start() {
  const [offer, styles] = await Promise.all([backend.offer(), backend.styles()])
  state.offer = offer
  state.styles = styles.map(label)
  const ways = wayPart()
  const makesSense = { compare: waysOf(offer).length > 1, explore: offer.methods.some(method => method.looks_in), video: Boolean(offer.video) }
  tabs = TABS.filter(name => makesSense[name] ?? true)
  for (const name of TABS) byId(`tab-${name}`).hidden = !tabs.includes(name)
  const { keep_seconds: keep } = offer.limits
  byId('panel').replaceChildren(
    stylePart(), ways, ...optionsPart(), againPart(), batchPart(),
    h('p', { class: 'small privacy', t: keep ? 'privacy' : 'privacy-here', values: () => ({ minutes: duration(keep ?? 0) }) }))
  stage.begin()
  paint.begin()
  on('photo', () => {
    stage.showPhoto()
    const { width, height, fits } = state.photo
    const size = width ? say('photo-size', { width, height }) : say('photo-unseen')
    tell('said', fits ? `${size}. ${say('photo-smaller', { size: fits })}` : size)
  })
  photo.listen()
  on('show', show)
  tell('way')
  addEventListener('pagehide', event => event.persisted || backend.leave())
}

function door() {
  const dialog = byId('door'), key = byId('key'), trouble = dialog.querySelector('[role=alert]')
  dialog.addEventListener('cancel', event => event.preventDefault())
  dialog.querySelector('form').addEventListener('submit', async event => {
    event.preventDefault()
    try {
      await backend.signIn(key.value)
      dialog.close()
      await signedIn()
    } catch (error) {
      trouble.textContent = error.status === 401 ? say('error-key') : sorry(error)
    }
  })
  dialog.showModal()
}

async function signedIn() {
  const out = byId('sign-out')
  out.hidden = false
  out.addEventListener('click', async () => {
    backend.leave()
    await backend.signOut()
    location.reload()
  })
  await start()
}

translate()
corner()
try {
  const { wantsKey, signedIn: known } = await backend.open()
  if (!wantsKey) await start()
  else if (known) await signedIn()
  else door()
} catch (error) {
  byId('stage').replaceChildren(h('p', { class: 'lone bad' }, sorry(error)))
}
