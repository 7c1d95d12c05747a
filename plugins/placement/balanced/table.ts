/**
 * The published placement as text: a line with its version and how many copies each entry names, a line with the ids of the members, and
 * base64 of the entries in the order of their keys. An entry is its key, 8 bytes big-endian, and for each copy the place of a member in that
 * line, 2 bytes; 0xffff for no copy.
 */
import { MAX_PLACEMENT, MEMBER_ID } from 'blockgate/members'

/** Which members come first for the blocks of a key, best first; never none. */
export type Named = ReadonlyMap<number, readonly string[]>

const HEAD = 'balanced/1'
const NOBODY = 0xffff
const KEY_BYTES = 8
/** Entries that one placement may have, whatever their size. */
const MAX_ENTRIES = 4_096
/** Characters for the head and the ids of the members. */
const MAX_LINES = MAX_PLACEMENT / 4
const MAX_COPIES = 255

/** How many entries a placement can have that names `copies` members each. */
export function mostEntries(copies: number): number {
  const bytes = ((MAX_PLACEMENT - MAX_LINES) / 4) * 3
  return Math.min(MAX_ENTRIES, Math.floor(bytes / (KEY_BYTES + 2 * copies)) - 1)
}

/** @returns undefined where that is too long: more members or entries than there can be */
export function encode(named: Named): string | undefined {
  const ids = [...new Set([...named.values()].flat())].sort()
  const places = new Map(ids.map((id, place) => [id, place]))
  const copies = Math.max(1, ...[...named.values()].map(list => list.length))
  const size = KEY_BYTES + 2 * copies
  const lines = `${HEAD} ${copies}\n${ids.join(' ')}\n`
  if (copies > MAX_COPIES || named.size > mostEntries(copies) || lines.length > MAX_LINES) return undefined
  const view = new DataView(new ArrayBuffer(named.size * size))
  for (const [i, [key, list]] of [...named].sort(([a], [b]) => a - b).entries()) {
    view.setUint32(i * size, Math.floor(key / 2 ** 32))
    view.setUint32(i * size + 4, key % 2 ** 32)
    for (let n = 0; n < copies; n++) {
      view.setUint16(i * size + KEY_BYTES + 2 * n, places.get(list[n] ?? '') ?? NOBODY)
    }
  }
  let binary = ''
  for (const byte of new Uint8Array(view.buffer)) binary += String.fromCharCode(byte)
  return lines + btoa(binary)
}

/** @returns undefined for what encode() does not make: then nobody may go by any of it */
export function decode(text: string): Named | undefined {
  if (text.length > MAX_PLACEMENT) return undefined
  const [head = '', line = '', body, ...rest] = text.split('\n')
  const copies = Number(/^balanced\/1 ([1-9]\d{0,2})$/.exec(head)?.[1])
  const ids = line === '' ? [] : line.split(' ')
  if (!(copies <= MAX_COPIES) || body === undefined || rest.length > 0 || !ids.every(id => MEMBER_ID.test(id)))
    return undefined
  const bytes = bytesOf(body)
  const size = KEY_BYTES + 2 * copies
  if (!bytes || bytes.length % size !== 0) return undefined
  const view = new DataView(bytes.buffer)
  const named = new Map<number, readonly string[]>()
  let last = -1
  for (let at = 0; at < bytes.length; at += size) {
    const key = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
    const places = Array.from({ length: copies }, (_, n) => view.getUint16(at + KEY_BYTES + 2 * n))
    const list = places.filter(place => place !== NOBODY).map(place => ids[place])
    if (!(key > last) || key > Number.MAX_SAFE_INTEGER || list.length === 0) return undefined
    if (!list.every(id => id !== undefined) || new Set(list).size < list.length) return undefined
    named.set(key, list)
    last = key
  }
  return named
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), char => char.charCodeAt(0))
  } catch {
    return undefined
  }
}
