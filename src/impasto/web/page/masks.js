// Where a style goes: white where it does, painted over the photo with the pointer or by keys.

import { h } from './dom.js'
import { tell } from './state.js'

const LONGEST = 1024
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export class Mask {
  #strokes = [] // {points, width, soft, rub}; [] once it was cleared
  #cleared = []
  #cursor = [0.5, 0.5]
  #before // canvas: all strokes but the last

  constructor(photo, name) {
    const scale = Math.min(1, LONGEST / Math.max(photo.width, photo.height))
    const size = { width: Math.max(1, Math.round(photo.width * scale)), height: Math.max(1, Math.round(photo.height * scale)) }
    this.canvas = h('canvas', { ...size, tabindex: 0, role: 'img', tLabel: 'mask-canvas', values: { name } })
    this.#before = h('canvas', size)
    this.brush = h('input', { type: 'range', min: 2, max: 40, value: 14 })
    this.soft = h('input', { type: 'checkbox', checked: true })
    this.rub = h('input', { type: 'checkbox' })
    this.undo = h('button', { type: 'button', t: 'mask-undo', disabled: true, onclick: () => this.#undone() })
    this.clear = h('button', { type: 'button', t: 'mask-clear', disabled: true, onclick: () => this.#emptied() })
    this.element = h('div', { class: 'mask' },
      h('h3', { t: 'mask-of', values: { name } }),
      h('div', { class: 'sheet' }, h('img', { src: photo.address, alt: '', draggable: 'false' }), this.canvas),
      h('div', { class: 'row' },
        h('label', {}, h('span', { t: 'mask-brush' }), this.brush),
        h('label', {}, this.soft, h('span', { t: 'mask-soft' })),
        h('label', {}, this.rub, h('span', { t: 'mask-rub' })),
        this.undo, this.clear))
    this.#listen()
  }

  // A PNG file; null if nothing is painted.
  async file() {
    if (!this.#strokes.some(stroke => !stroke.rub)) return null
    return new Promise(resolve => this.canvas.toBlob(resolve, 'image/png'))
  }

  #listen() {
    const { canvas } = this
    let stroke = null
    canvas.addEventListener('pointerdown', event => {
      canvas.setPointerCapture(event.pointerId)
      stroke = this.#begun(this.#place(event))
    })
    canvas.addEventListener('pointermove', event => {
      if (!stroke) return
      stroke.points.push(this.#place(event))
      this.#drawLast()
    })
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => (stroke = null))
    canvas.addEventListener('keydown', event => {
      const step = STEPS[event.key]
      if (!step && event.key !== ' ') return
      event.preventDefault()
      if (step) this.#cursor = this.#cursor.map((one, axis) => Math.min(1, Math.max(0, one + (step[axis] * this.brush.value) / 300)))
      canvas.style.setProperty('--x', `${100 * this.#cursor[0]}%`)
      canvas.style.setProperty('--y', `${100 * this.#cursor[1]}%`)
      if (event.key === ' ') this.#begun([this.#cursor[0] * canvas.width, this.#cursor[1] * canvas.height])
    })
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * this.canvas.width, ((event.clientY - box.top) / box.height) * this.canvas.height]
  }

  #begun(point) {
    const width = (this.brush.value / 100) * Math.max(this.canvas.width, this.canvas.height)
    const stroke = { points: [point], width, soft: this.soft.checked, rub: this.rub.checked }
    emptied(this.#before).drawImage(this.canvas, 0, 0)
    this.#strokes.push(stroke)
    this.#cleared = []
    this.#drawLast()
    return stroke
  }

  #undone() {
    if (this.#cleared.length) [this.#strokes, this.#cleared] = [this.#cleared, []]
    else this.#strokes.pop()
    this.#draw()
  }

  #emptied() {
    this.#cleared = this.#strokes
    this.#strokes = []
    this.#draw()
  }

  // The last stroke over what was there before it.
  #drawLast() {
    const pen = emptied(this.canvas)
    pen.drawImage(this.#before, 0, 0)
    paint(pen, this.#strokes.at(-1))
    this.#drawn()
  }

  #draw() {
    const pen = emptied(this.canvas)
    for (const stroke of this.#strokes) paint(pen, stroke)
    this.#drawn()
  }

  #drawn() {
    this.undo.disabled = !this.#strokes.length && !this.#cleared.length
    this.clear.disabled = !this.#strokes.length
    tell('changed')
  }
}

function emptied(canvas) {
  const pen = canvas.getContext('2d')
  pen.clearRect(0, 0, canvas.width, canvas.height)
  return pen
}

// A soft stroke is the shadow of one that is drawn far outside: every browser can blur that.
function paint(pen, { points, width, soft, rub }) {
  pen.save()
  pen.globalCompositeOperation = rub ? 'destination-out' : 'source-over'
  pen.strokeStyle = pen.fillStyle = pen.shadowColor = '#fff'
  pen.lineCap = pen.lineJoin = 'round'
  pen.lineWidth = soft ? width * 0.7 : width
  if (soft) {
    const away = 4 * (pen.canvas.width + pen.canvas.height)
    pen.shadowBlur = width * 0.3
    pen.shadowOffsetX = away
    pen.translate(-away, 0)
  }
  pen.beginPath()
  pen.moveTo(...points[0])
  for (const point of points.slice(1)) pen.lineTo(...point)
  if (points.some(([x, y]) => x !== points[0][0] || y !== points[0][1])) pen.stroke()
  else {
    // A line of no length is no dot in every browser.
    pen.arc(...points[0], pen.lineWidth / 2, 0, 2 * Math.PI)
    pen.fill()
  }
  pen.restore()
}
