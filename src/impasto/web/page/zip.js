// A zip of files as they are, written piece by piece. Pictures are as small as they get.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1
  return byte
})
export const MOST_BYTES = 2 ** 32 - 1

function crc32(bytes) {
  let crc = -1
  for (let place = 0; place < bytes.length; place++) crc = TABLE[(crc ^ bytes[place]) & 255] ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}

export class Zip {
  #entries = []
  #bytes = 0

  // write: called with each piece, a Uint8Array or a Blob, in order.
  constructor(write) {
    this.write = write
  }

  hasRoomFor(blob) {
    return this.#bytes + blob.size + 65536 < MOST_BYTES && this.#entries.length < 65535
  }

  async add(name, blob) {
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()))
    const entry = { name: new TextEncoder().encode(name), crc, size: blob.size, start: this.#bytes }
    this.#entries.push(entry)
    await this.#put(record(0x04034b50, [], entry, []))
    await this.#put(entry.name)
    await this.#put(blob)
  }

  async end() {
    const start = this.#bytes
    for (const entry of this.#entries) {
      await this.#put(record(0x02014b50, [[20, 2]], entry, [[0, 2], [0, 2], [0, 2], [0, 4], [entry.start, 4]]))
      await this.#put(entry.name)
    }
    const count = this.#entries.length
    await this.#put(packed([[0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [this.#bytes - start, 4], [start, 4], [0, 2]]))
  }

  async #put(piece) {
    this.#bytes += piece.size ?? piece.length
    await this.write(piece)
  }
}

// What both headers of a file share: version, names in UTF-8, not packed, 1 January 1980, checksum, sizes, lengths.
function record(signature, made, { name, crc, size }, more) {
  return packed([[signature, 4], ...made, [20, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [size, 4], [size, 4], [name.length, 2], [0, 2], ...more])
}

// [[number, bytes]], the lowest byte first.
function packed(fields) {
  return Uint8Array.from(fields.flatMap(([value, bytes]) => Array.from({ length: bytes }, (_, place) => (value >>> (8 * place)) & 255)))
}
