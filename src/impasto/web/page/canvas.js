// Runs once for each canvas: `element`, `props` and `watch` are gradio's. What is white on the canvas is the mask.
const LONGEST = 768
const photo = element.querySelector('img'), canvas = element.querySelector('canvas')
const brush = element.querySelector('.brush'), rub = element.querySelector('.rub')
const pen = canvas.getContext('2d')
let last = null, shown = '', touched = false, cursor = [0.5, 0.5]

function show() {
  const address = props.value?.photo ?? ''
  if (props.value?.mask === '' && touched) wipe()
  if (address === shown) return
  shown = address
  photo.hidden = canvas.hidden = !address
  element.querySelector('.empty').hidden = Boolean(address)
  if (address) photo.src = address
}

photo.addEventListener('load', () => {
  const scale = Math.min(1, LONGEST / Math.max(photo.naturalWidth, photo.naturalHeight))
  canvas.width = Math.max(1, Math.round(photo.naturalWidth * scale))
  canvas.height = Math.max(1, Math.round(photo.naturalHeight * scale))
  touched = false
  if (props.value?.mask) props.value = {...props.value, mask: ''}
})

function wipe() {
  pen.clearRect(0, 0, canvas.width, canvas.height)
  touched = false
}

function keep() {
  props.value = {...props.value, mask: touched ? canvas.toDataURL('image/png') : ''}
}

function stroke(from, to) {
  pen.globalCompositeOperation = rub.checked ? 'destination-out' : 'source-over'
  pen.strokeStyle = pen.fillStyle = '#fff'
  pen.lineCap = pen.lineJoin = 'round'
  pen.lineWidth = brush.value / 100 * Math.max(canvas.width, canvas.height)
  pen.beginPath()
  pen.moveTo(...from)
  pen.lineTo(...to)
  pen.stroke()
  // A line of no length is no dot in every browser.
  pen.beginPath()
  pen.arc(...to, pen.lineWidth / 2, 0, 2 * Math.PI)
  pen.fill()
  touched = true
}

function place(event) {
  const box = canvas.getBoundingClientRect()
  return [(event.clientX - box.left) / box.width * canvas.width, (event.clientY - box.top) / box.height * canvas.height]
}

canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId)
  last = place(event)
  stroke(last, last)
})
canvas.addEventListener('pointermove', event => {
  if (!last) return
  const here = place(event)
  stroke(last, here)
  last = here
})
for (const end of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(end, () => {
    if (last) keep()
    last = null
  })
}

const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}
canvas.addEventListener('keydown', event => {
  const step = STEPS[event.key]
  if (!step && event.key !== ' ') return
  event.preventDefault()
  const move = brush.value / 200
  if (step) cursor = cursor.map((one, axis) => Math.min(1, Math.max(0, one + step[axis] * move)))
  canvas.style.setProperty('--x', `${100 * cursor[0]}%`)
  canvas.style.setProperty('--y', `${100 * cursor[1]}%`)
  const here = [cursor[0] * canvas.width, cursor[1] * canvas.height]
  if (event.key === ' ') {
    stroke(here, here)
    keep()
  }
})
element.querySelector('.clear').addEventListener('click', () => {
  wipe()
  keep()
})

watch('value', show)
show()
