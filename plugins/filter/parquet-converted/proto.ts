/** The texts in one field of a protobuf message. */

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Other fields are passed over. @throws Error where the bytes are no message */
export function stringsOf(bytes: Uint8Array, wanted: number): readonly string[] {
  const found: string[] = []
  let at = 0
  const uvarint = (): number => {
    let value = 0
    for (let scale = 1; scale <= 128 ** 9; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('a number must end within the message')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new Error('a number must take at most 10 bytes')
  }
  while (at < bytes.length) {
    const tag = uvarint()
    const type = tag % 8
    if (type === 0) {
      uvarint()
      continue
    }
    if (type !== 1 && type !== 2 && type !== 5) throw new Error(`the type of a field must be known: it is ${type}`)
    const length = type === 2 ? uvarint() : type === 1 ? 8 : 4
    if (at + length > bytes.length) throw new Error('a field must end within the message')
    if (type === 2 && Math.floor(tag / 8) === wanted) found.push(decoder.decode(bytes.subarray(at, at + length)))
    at += length
  }
  return found
}
