// How a picture was made, as impasto wrote it into the file: in PNG a text chunk, elsewhere EXIF's ImageDescription.

const KEYWORD = 'impasto'
const LONGEST = 2 ** 20

// {options, style, ...}; null if the file carries none.
export async function recordOf(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer())
  const text = isPng(bytes) ? pngText(bytes) : described(bytes)
  try {
    const record = JSON.parse(text, exact)
    return typeof record?.options === 'object' && record.options ? record : null
  } catch {
    return null
  }
}

// Whole numbers beyond 2^53 stay as they are written, as text.
function exact(_, value, context) {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value
}

// Bits of each channel of a PNG file; null of another.
export async function bitsOf(blob) {
  const bytes = new Uint8Array(await blob.slice(0, 26).arrayBuffer())
  return isPng(bytes) ? bytes[24] : null
}

const isPng = bytes => bytes[0] === 0x89 && latin(bytes, 1, 4) === 'PNG'
const latin = (bytes, start, end) => String.fromCharCode(...bytes.subarray(start, end))
const decoded = bytes => new TextDecoder('latin1').decode(bytes)

function pngText(bytes) {
  const view = new DataView(bytes.buffer)
  for (let start = 8; start + 12 <= bytes.length; ) {
    const length = view.getUint32(start), kind = latin(bytes, start + 4, start + 8)
    const data = bytes.subarray(start + 8, start + 8 + length)
    if (/^[ti][ET][Xx]t$/.test(kind) && length < LONGEST && latin(data, 0, KEYWORD.length + 1) === `${KEYWORD}\0`) {
      const text = decoded(data)
      return text.slice(text.indexOf('{'))
    }
    start += 12 + length
  }
  return ''
}

// EXIF is a table with addresses; the text in it begins with a word and ends with a zero, which is all that is needed.
function described(bytes) {
  const head = decoded(bytes.subarray(0, LONGEST)), tail = decoded(bytes.subarray(Math.max(LONGEST, bytes.length - LONGEST)))
  for (const text of [head, tail]) {
    const start = text.indexOf(`${KEYWORD} {`)
    if (start >= 0) return text.slice(start + KEYWORD.length + 1).split('\0', 1)[0]
  }
  return ''
}
