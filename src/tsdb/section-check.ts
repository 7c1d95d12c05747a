/**
 * Checks a section of an index file as its bytes come by, so that it never has to be in memory. Both sections of an
 * index-header have the frame `be32 length | body | be32 CRC-32C(body)`, and bodies that begin with a be32 count:
 *
 *   symbols                 count × { uvarint length, bytes }
 *   postings offset table   count × { uvarint 2, name and value as { uvarint length, bytes }, uvarint offset }
 */
import { assertCrc, corrupt } from './binary.ts'
import { Crc32c } from './crc32c.ts'
import { MIN_SECTION_BYTES } from './index-toc.ts'

export type SectionKind = 'symbols' | 'postings-table'

/** What the uvarints of one entry are, in order. */
const FIELDS: Readonly<Record<SectionKind, readonly ('string' | 'two' | 'offset')[]>> = {
  symbols: ['string'],
  'postings-table': ['two', 'string', 'string', 'offset'],
}

/** A uvarint with more bytes is no safe integer. */
const MAX_SHIFT = 2 ** 49

export interface SectionPlace {
  /** Where the section begins, for errors: `index: symbols at 5`. */
  readonly what: string
  /** Bytes of the section with the zero padding behind it. */
  readonly size: number
  /** Offsets in the table are within. Not used for symbols. */
  readonly offsets?: { readonly min: number; readonly max: number } | undefined
}

export class SectionCheck {
  /** Bytes of the section. */
  readonly size: number
  readonly #kind: SectionKind
  readonly #place: SectionPlace
  readonly #fields: (typeof FIELDS)[SectionKind]
  readonly #crc = new Crc32c()
  #at = 0
  #length = 0
  #stored = 0
  #count = 0
  #entries = 0
  #field = 0
  #value = 0
  #scale = 1
  /** Bytes of a string that are still to come. */
  #skip = 0

  /** @throws BlockgateError `corrupt-block` where the section cannot be that small */
  constructor(kind: SectionKind, place: SectionPlace) {
    this.size = place.size
    this.#kind = kind
    this.#place = place
    this.#fields = FIELDS[kind]
    if (place.size < MIN_SECTION_BYTES) throw this.#bad('size', `be >= ${MIN_SECTION_BYTES}`, place.size)
  }

  /** The next bytes of the section. @throws BlockgateError `corrupt-block` that says where */
  update(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; ) {
      const bodyEnd = 4 + this.#length
      if (this.#at < 4 || this.#at >= bodyEnd) {
        this.#frame(bytes[i++] as number)
        continue
      }
      const part = bytes.subarray(i, i + bodyEnd - this.#at)
      this.#crc.update(part)
      this.#body(part)
      i += part.length
    }
  }

  /** @returns how many entries there were @throws BlockgateError `corrupt-block` where bytes are missing */
  end(): number {
    if (this.#at !== this.size) throw this.#bad('size', `be ${this.size}`, this.#at)
    return this.#entries
  }

  /** A byte of the length, the checksum or the padding. */
  #frame(byte: number): void {
    const { size } = this
    const at = this.#at++
    const crcEnd = 8 + this.#length
    if (at < 4) {
      this.#length = this.#length * 256 + byte
      if (at === 3 && (this.#length < 4 || this.#length > size - 8)) {
        throw this.#bad('length', `be 4 to ${size - 8}`, this.#length)
      }
    } else if (at < crcEnd) {
      this.#stored = this.#stored * 256 + byte
      if (at === crcEnd - 1) this.#bodyEnded()
    } else if (at >= size) throw this.#bad('size', `be ${size}`, 'more')
    else if (byte !== 0) throw this.#bad(`padding at +${at}`, 'be 0', byte)
  }

  #body(part: Uint8Array): void {
    let i = 0
    for (; i < part.length && this.#at + i < 8; i++) this.#count = this.#count * 256 + (part[i] as number)
    while (i < part.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, part.length - i)
        this.#skip -= skipped
        i += skipped
        if (this.#skip === 0) this.#next()
        continue
      }
      const byte = part[i++] as number
      this.#value += (byte & 127) * this.#scale
      if (byte >= 128) {
        if (this.#scale >= MAX_SHIFT) throw this.#badEntry('uvarint', 'be a safe integer', 'larger')
        this.#scale *= 128
      } else this.#number(this.#at + i)
    }
    this.#at += part.length
  }

  /** A uvarint is whole; `at` is where the next byte of the section stands. */
  #number(at: number): void {
    const value = this.#value
    this.#value = 0
    this.#scale = 1
    switch (this.#fields[this.#field]) {
      case 'string': {
        const left = 4 + this.#length - at
        if (value > left) throw this.#badEntry('string length', `be <= ${left}`, value)
        this.#skip = value
        if (value > 0) return
        break
      }
      case 'two':
        if (value !== 2) throw this.#badEntry('number of strings', 'be 2', value)
        break
      default: {
        const { min = 0, max = Number.MAX_SAFE_INTEGER } = this.#place.offsets ?? {}
        if (value < min || value > max) throw this.#badEntry('offset', `be ${min} to ${max}`, value)
      }
    }
    this.#next()
  }

  #next(): void {
    this.#field = (this.#field + 1) % this.#fields.length
    if (this.#field === 0) this.#entries++
  }

  #bodyEnded(): void {
    assertCrc(this.#place.what, this.#stored, this.#crc.digest())
    if (this.#field !== 0 || this.#scale !== 1 || this.#skip !== 0) {
      throw this.#badEntry('its bytes', 'be all there', 'cut')
    }
    if (this.#entries !== this.#count) throw this.#bad('count', `be ${this.#entries}`, this.#count)
  }

  #badEntry(part: string, must: string, value: number | string): Error {
    return this.#bad(`${this.#kind === 'symbols' ? 'symbol' : 'entry'} ${this.#entries}: ${part}`, must, value)
  }

  #bad(part: string, must: string, value: number | string): Error {
    return corrupt(`${this.#place.what}: ${part}`, must, value)
  }
}
