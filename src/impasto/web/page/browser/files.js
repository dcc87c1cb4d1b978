// Pictures as files, read and written by the browser.

import { Refusal } from '../refusal.js'

// {data, height, width}: RGBA bytes, upright, in sRGB.
export async function read(blob) {
  let bitmap
  try {
    bitmap = await createImageBitmap(blob, { premultiplyAlpha: 'none' })
  } catch {
    throw new Refusal('not-a-picture', 'this is not a picture that can be read')
  }
  const { width, height } = bitmap
  const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  canvas.drawImage(bitmap, 0, 0)
  bitmap.close()
  return { data: canvas.getImageData(0, 0, width, height).data, height, width }
}

// A PNG file.
export async function written({ data, height, width }, record) {
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0)
  return withRecord(await canvas.convertToBlob({ type: 'image/png' }), record)
}

const HEAD = 33 // bytes of a PNG file before its second chunk

// The PNG file, which says how it was made, as impasto writes it everywhere.
async function withRecord(blob, record) {
  const text = new TextEncoder().encode(`tEXtimpasto\0${JSON.stringify(record).replace(/[^\0-\x7f]/g, escaped)}`)
  const chunk = new DataView(new ArrayBuffer(text.length + 8))
  chunk.setUint32(0, text.length - 4)
  new Uint8Array(chunk.buffer).set(text, 4)
  chunk.setUint32(text.length + 4, checksum(text))
  return new Blob([blob.slice(0, HEAD), chunk, blob.slice(HEAD)], { type: blob.type })
}

const escaped = letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`

// CRC-32, as PNG has it.
function checksum(bytes) {
  let sum = -1
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1
  }
  return ~sum >>> 0
}
