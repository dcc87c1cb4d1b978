// Many photos, painted as chosen, each saved as it is done, or all as a zip that is written as they come.

import { chooseFiles, download, h, spokenLine } from './dom.js'
import { eachOf, patiently, wish } from './paint.js'
import { number, put, say, sorry } from './language.js'
import { fileOf, suffixOf } from './visit.js'
import { Zip } from './zip.js'

export function batchPart() {
  let photos = []
  let running = null
  const count = h('p', { class: 'small', hidden: true })
  const [note, tell] = spokenLine('many-note')
  const failures = h('ul', { class: 'failures' })
  const format = h('select', { id: 'many-format' }, ...['png', 'jpeg', 'webp'].map(kind => h('option', { value: kind }, { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' }[kind])))
  const zipped = h('input', { type: 'radio', name: 'many-save', checked: true })
  const go = h('button', { type: 'button', class: 'primary', t: 'many-go', id: 'many-go', onclick: paintAll })
  const stop = h('button', { type: 'button', t: 'stop', id: 'many-stop', hidden: true, onclick: () => running.abort() })
  const took = files => {
    photos = files.filter(file => file.type.startsWith('image/'))
    put(count, 'many-count', () => ({ count: number(photos.length) }))
    count.hidden = !photos.length
  }

  async function paintAll() {
    if (!photos.length) return tell(() => say('many-none'), 'bad')
    running = new AbortController()
    const { signal } = running
    const kind = format.value
    const names = new Map(photos.map((file, place) => [file, `${String(place + 1).padStart(3, '0')}-${file.name.replace(/\.[^.]*$/, '')}-impasto.${suffixOf(kind)}`]))
    let target, done = 0
    try {
      target = zipped.checked ? await zipTarget() : null
      await wish({ blob: photos[0] })
    } catch (error) {
      if (error.name === 'AbortError') return
      return tell(() => (error.code ? sorry(error) : say(error.message)), 'bad')
    }
    failures.replaceChildren()
    go.hidden = !(stop.hidden = false)
    const counted = () => ({ done: number(done), count: number(names.size) })
    const report = () => tell(() => say('many-progress', counted()), 'busy')
    report()
    await eachOf(photos, async file => {
      try {
        const painting = await patiently({ ...(await wish({ blob: file })), keep: kind !== 'png' }, { signal })
        if (signal.aborted) return
        await saved(target, names.get(file), await fileOf(painting, kind))
        done++
        report()
      } catch (error) {
        if (error.code !== 'cancelled') failures.append(h('li', { t: () => `${file.name}: ${error.code ? sorry(error) : error.message}` }))
      }
    }, { signal })
    await target?.end()
    go.hidden = !(stop.hidden = true)
    tell(() => [signal.aborted && say('stopped'), say('many-done', counted())].filter(Boolean).join(' '), signal.aborted ? '' : 'good')
    if (failures.childElementCount) failures.prepend(h('li', { t: 'many-failed', values: { count: number(failures.childElementCount) } }))
  }

  return h('details', { class: 'part takes-files', id: 'many', ondrop: event => took([...event.dataTransfer.files]) },
    h('summary', { t: 'many' }),
    h('p', { class: 'small', t: 'many-how' }),
    h('button', { type: 'button', t: 'many-choose', onclick: async () => took(await chooseFiles({ multiple: true })) }),
    count,
    h('fieldset', {}, h('legend', { t: 'many-save' }),
      h('div', { class: 'segments' },
        h('label', { class: 'choice' }, zipped, h('span', { t: 'many-zip' })),
        h('label', { class: 'choice' }, h('input', { type: 'radio', name: 'many-save' }), h('span', { t: 'many-each' })))),
    h('div', { class: 'row' }, h('label', { for: 'many-format', t: 'many-format' }), format),
    h('div', { class: 'row' }, go, stop),
    note, failures)
}

async function saved(target, name, blob) {
  if (!target) return download(blob, name)
  // One after the other, as they share a file.
  target.turn = target.turn.then(() => (target.zip.hasRoomFor(blob) ? target.zip.add(name, blob) : download(blob, name)))
  await target.turn
}

// A zip on the disk, where the browser can write there; elsewhere in memory until it is complete.
async function zipTarget() {
  if (window.showSaveFilePicker) {
    const file = await window.showSaveFilePicker({ suggestedName: 'impasto.zip', types: [{ accept: { 'application/zip': ['.zip'] } }] })
    const stream = await file.createWritable()
    const zip = new Zip(piece => stream.write(piece))
    return { zip, turn: Promise.resolve(), end: async () => (await zip.end(), await stream.close()) }
  }
  const pieces = []
  const zip = new Zip(piece => pieces.push(piece))
  return {
    zip, turn: Promise.resolve(),
    end: async () => {
      await zip.end()
      download(new Blob(pieces, { type: 'application/zip' }), 'impasto.zip')
    },
  }
}
