// A photo of what the camera sees now. Without leave to look through it, a phone's own camera program is asked.

import { chooseFiles, h } from './dom.js'
import { state, tell } from './state.js'
import { say } from './language.js'

export async function takePhoto() {
  if (matchMedia('(pointer: coarse)').matches || !navigator.mediaDevices) {
    const [file] = await chooseFiles({ capture: true })
    return file
  }
  let stream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 3840 }, height: { ideal: 2160 } } })
  } catch {
    tell('trouble', () => say('camera-none'))
    return null
  }
  const video = h('video', { autoplay: true, playsinline: true })
  video.muted = true
  video.srcObject = stream
  try {
    return await shot(video)
  } finally {
    for (const track of stream.getTracks()) track.stop()
  }
}

function shot(video) {
  return new Promise(resolve => {
    const dialog = h('dialog', { class: 'camera', tLabel: 'photo-camera', onclose: () => (dialog.remove(), resolve(null)) },
      video,
      h('div', { class: 'row' },
        h('button', { type: 'button', class: 'primary', t: 'camera-take', onclick: take }),
        h('button', { type: 'button', t: 'close', onclick: () => dialog.close() })))
    function take() {
      // As many pixels as there may be.
      const { videoWidth: width, videoHeight: height } = video
      const scale = Math.min(1, Math.sqrt((state.offer.limits.megapixels * 1e6) / (width * height)))
      const canvas = h('canvas', { width: Math.floor(width * scale), height: Math.floor(height * scale) })
      canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height)
      canvas.toBlob(blob => (resolve(blob), dialog.close()), 'image/jpeg', 0.95)
    }
    document.body.append(dialog)
    dialog.showModal()
  })
}
