/**
 * What was read of every block, in memory and in the state store: a run reads only what the listing shows as new.
 *
 * A document holds blocks in the order in which they were read. So a first look at a bucket writes each document once, when it
 * is full; later a document is written again only where one of its blocks changed.
 */
import { type BlockId, codeOf, inSlices, pause, rawMessageOf, type Services } from 'blockgate'
import { type Known, readDocument, writeDocument } from './known.ts'
import type { Sharing } from './share.ts'

export interface MetaCache {
  /** Reads the documents, at the first call. One that is damaged is logged and counts as empty. */
  load(): Promise<void>
  get(id: BlockId): Known | undefined
  set(known: Known): void
  /** Forgets the blocks that are not in `seen`. */
  retain(seen: ReadonlySet<BlockId>): Promise<void>
  /**
   * Writes what changed; with `many`, only the documents in which much did. A failure is logged, and tried again next time, as
   * is what an abort of `signal` left over.
   */
  save(when: 'now' | 'many', signal?: AbortSignal): Promise<void>
}

/** Blocks of a document: about 150 kB, which are read and written in a few milliseconds. */
const FULL = 250
/** Changes of a document that are worth writing it in the middle of a run. */
const MANY = FULL / 2
/** Documents by whose number the index is ahead of those that are there. */
const AHEAD = 64

export function metaCache({ state, host }: Pick<Services, 'state' | 'host'>, share: Sharing): MetaCache {
  const documents: Map<BlockId, Known>[] = []
  /** The number of each block's document. */
  const places = new Map<BlockId, number>()
  /** Changes of each document that are not written. */
  const unsaved = new Map<number, number>()
  let isLoaded = false
  /** New blocks go there. */
  let open = 0
  /** Documents that a start looks for. */
  let indexed = 0
  const documentAt = (number: number) => {
    while (documents.length <= number) documents.push(new Map())
    return documents[number] as Map<BlockId, Known>
  }
  const changed = (number: number) => unsaved.set(number, (unsaved.get(number) ?? 0) + 1)
  const placeFor = (id: BlockId): number => {
    const known = places.get(id)
    if (known !== undefined) return known
    if (documentAt(open).size >= FULL) {
      // Blocks that are gone leave room.
      const free = documents.findIndex(document => document.size <= MANY)
      open = free < 0 ? documents.length : free
    }
    places.set(id, open)
    return open
  }
  const attempt = async <T>(what: string, key: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      host.log.warn(what, { key, code: codeOf(error), error: rawMessageOf(error) })
      return undefined
    }
  }
  const get = (key: string) => attempt(UNREAD, key, () => state.get(key))
  const loadDocument = async (number: number) => {
    const key = keyOf(number)
    const document = await get(key)
    if (document === undefined) return
    const entries = readDocument(document, share)
    if (!entries) {
      host.log.warn('a cache document is damaged: its blocks are read again', { key })
      changed(number)
    }
    for (const known of entries ?? []) {
      // In two documents, after a power cut: one of them is of before.
      if (places.has(known.id)) changed(number)
      else {
        documentAt(number).set(known.id, known)
        places.set(known.id, number)
      }
    }
  }
  const write = async (number: number): Promise<void> => {
    const key = keyOf(number)
    const document = documents[number]
    await attempt('a cache document cannot be written', key, async () => {
      const before = unsaved.get(number) ?? 0
      if (number >= indexed) {
        await state.set(INDEX, { documents: number + AHEAD })
        indexed = number + AHEAD
      }
      if (document?.size) await state.set(key, writeDocument(document.values()))
      else await state.delete(key)
      // What changed meanwhile is for the next time.
      const left = (unsaved.get(number) ?? 0) - before
      if (left > 0) unsaved.set(number, left)
      else unsaved.delete(number)
    })
  }
  return {
    async load() {
      if (isLoaded) return
      isLoaded = true
      const index = await get(INDEX)
      indexed = isIndex(index) ? index.documents : 0
      for (let number = 0; number < indexed; number++) {
        await loadDocument(number)
        await pause(host)
      }
      open = Math.max(0, documents.length - 1)
    },
    get: id => documents[places.get(id) ?? -1]?.get(id),
    set(known) {
      const number = placeFor(known.id)
      documentAt(number).set(known.id, known)
      changed(number)
    },
    async retain(seen) {
      await inSlices(host, places, ([id, number]) => {
        if (seen.has(id)) return
        places.delete(id)
        documents[number]?.delete(id)
        changed(number)
      })
    },
    async save(when, signal) {
      for (const [number, changes] of [...unsaved]) {
        if (signal?.aborted) return
        if (when === 'many' && (changes < MANY || number === open)) continue
        await write(number)
        await pause(host)
      }
    },
  }
}

const UNREAD = 'a cache document cannot be read: its blocks are read again'
const INDEX = 'metas'

function keyOf(number: number): string {
  return `metas-${number}`
}

function isIndex(value: unknown): value is { readonly documents: number } {
  const { documents } = (value ?? {}) as { readonly documents?: unknown }
  return Number.isSafeInteger(documents) && (documents as number) <= 1_000_000
}
