/**
 * The columns of the catalogue. Behind each other: a name, a length, the bytes. One that is unknown is left out, so a later build may add
 * some. Dictionaries hold each text once; a block has its place in them.
 */

import { type BlockId, blockIdTime } from 'blockgate'
import { ColumnReader, ColumnWriter, corrupt } from './column.ts'
import { idOf, RANDOM_BYTES, randomOf } from './ulid-bytes.ts'

/** Numbers of a block are in columns of their own: what is alike is packed well. */
const NUMBERS = ['time', 'behind', 'span', 'labels', 'resolution', 'level', 'sources', 'source', 'variant'] as const
const MORE = ['files', 'read-ahead', 'markers', 'uploaded', 'deleted', 'notes', 'folder', 'meta', 'mark'] as const
const OTHERS = ['ids', 'source-ids', 'texts', 'hashes', 'etags'] as const
const COLUMNS: readonly (typeof NUMBERS | typeof MORE | typeof OTHERS)[number][] = [...NUMBERS, ...MORE, ...OTHERS]
type Columns<C> = Readonly<Record<(typeof NUMBERS | typeof MORE | typeof OTHERS)[number], C>>

export class ColumnsWriter {
  readonly to: Columns<ColumnWriter> = Object.fromEntries(
    COLUMNS.map(name => [name, new ColumnWriter()]),
  ) as Columns<ColumnWriter>
  readonly #texts = new Map<string, number>()
  readonly #ids = new Map<BlockId, number>()

  /** The place of a text in the dictionary. */
  text(text: string): number {
    return placed(this.#texts, text)
  }

  /** The place of a block that others were compacted from. */
  source(id: BlockId): number {
    return placed(this.#ids, id)
  }

  bytes(): Uint8Array {
    for (const text of this.#texts.keys()) this.to.texts.text(text)
    let before = 0
    for (const id of this.#ids.keys()) {
      this.to['source-ids'].signed(blockIdTime(id) - before)
      this.to['source-ids'].raw(randomOf(id))
      before = blockIdTime(id)
    }
    const all = new ColumnWriter()
    for (const [name, { bytes }] of Object.entries(this.to)) {
      all.text(name)
      all.count(bytes.length)
      all.raw(bytes)
    }
    return all.bytes
  }
}

function placed<K>(places: Map<K, number>, key: K): number {
  const place = places.get(key) ?? places.size
  if (place === places.size) places.set(key, place)
  return place
}

export class ColumnsReader {
  readonly from: Columns<ColumnReader>
  readonly texts: readonly string[]
  readonly sources: readonly BlockId[]

  /** @throws BlockgateError `catalogue-corrupt` where one is missing, or shorter than it says */
  constructor(bytes: Uint8Array) {
    const all = new ColumnReader('names', bytes)
    const found = new Map<string, ColumnReader>()
    while (all.left > 0) {
      const name = all.text()
      found.set(name, new ColumnReader(name, all.raw(all.count())))
    }
    const missing = COLUMNS.filter(name => !found.has(name))
    if (missing.length > 0) throw corrupt(`must have the column ${missing.join(' and ')}`)
    this.from = Object.fromEntries(found) as unknown as Columns<ColumnReader>
    this.texts = textsOf(this.from.texts)
    this.sources = idsOf(this.from['source-ids'])
  }
}

function textsOf(column: ColumnReader): readonly string[] {
  const texts: string[] = []
  while (column.left > 0) texts.push(column.text())
  return texts
}

function idsOf(column: ColumnReader): readonly BlockId[] {
  const ids: BlockId[] = []
  for (let time = 0; column.left > 0; ) {
    time += column.signed()
    try {
      ids.push(idOf(time, column.raw(RANDOM_BYTES)))
    } catch (error) {
      throw corrupt('column source-ids must have ULIDs', error)
    }
  }
  return ids
}
