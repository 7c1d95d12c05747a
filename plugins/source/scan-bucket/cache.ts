/**
 * What was read of every block, in memory and in the state store: a run reads only what the listing shows as new.
 *
 * A document holds blocks in the order in which they were read. So a first run writes each document once, when it is full; later a
 * document is written again only where one of its blocks changed.
 */
import { type BlockId, codeOf, inSlices, pause, rawMessageOf, type Services } from 'blockgate'
import * as v from 'valibot'
import { type Known, readDocument, writeDocument } from './known.ts'
import type { Sharing } from './share.ts'

/** Blocks of a document: about 150 kB, which are read and written in a few milliseconds. */
const FULL = 250
/** The document with the number of documents that a start asks for. */
const INDEX = 'metas'
/** That number is so much larger than the number of documents, so that it is rarely written. */
const AHEAD = 64
const indexSchema = v.object({ documents: v.pipe(v.number(), v.safeInteger(), v.maxValue(1_000_000)) })

export class MetaCache {
  readonly #state: Services['state']
  readonly #host: Services['host']
  readonly #share: Sharing
  readonly #documents: Map<BlockId, Known>[] = []
  /** The number of each block's document. */
  readonly #places = new Map<BlockId, number>()
  /** Numbers of the documents that changed, and of those that became full, since they were written. */
  readonly #changed = new Set<number>()
  readonly #full = new Set<number>()
  #isLoaded = false
  /** New blocks go there. */
  #open = 0
  /** Documents that a start asks for. */
  #indexed = 0

  constructor({ state, host }: Pick<Services, 'state' | 'host'>, share: Sharing) {
    this.#state = state
    this.#host = host
    this.#share = share
  }

  /** Reads the documents, at the first call. One that is damaged is logged and counts as empty. */
  async load(): Promise<void> {
    if (this.#isLoaded) return
    this.#isLoaded = true
    const index = await this.#get(INDEX)
    this.#indexed = v.is(indexSchema, index) ? index.documents : 0
    for (let number = 0; number < this.#indexed; number++) {
      await this.#loadDocument(number)
      await pause(this.#host)
    }
    this.#open = Math.max(0, this.#documents.length - 1)
  }

  /** The blocks that are known, in no order. */
  get known(): { readonly ids: Iterable<BlockId>; readonly count: number } {
    return { ids: this.#places.keys(), count: this.#places.size }
  }

  get(id: BlockId): Known | undefined {
    return this.#documents[this.#places.get(id) ?? -1]?.get(id)
  }

  set(known: Known): void {
    const number = this.#places.get(known.id) ?? this.#place(known.id)
    this.#document(number).set(known.id, known)
    this.#changed.add(number)
  }

  delete(id: BlockId): void {
    const number = this.#places.get(id)
    if (number === undefined) return
    this.#places.delete(id)
    this.#documents[number]?.delete(id)
    this.#changed.add(number)
  }

  /** Forgets the blocks that are not in `seen`. */
  async retain(seen: ReadonlySet<BlockId>): Promise<void> {
    await inSlices(this.#host, this.#places.keys(), id => {
      if (!seen.has(id)) this.delete(id)
    })
  }

  /**
   * Writes the documents that changed, or of them only those that became full. A failure is logged, and tried again next time, as is
   * what an abort of `signal` left over.
   */
  async save(which: 'changed' | 'full', signal?: AbortSignal): Promise<void> {
    for (const number of [...(which === 'full' ? this.#full : this.#changed)]) {
      if (signal?.aborted) return
      await this.#write(number)
      await pause(this.#host)
    }
  }

  #document(number: number): Map<BlockId, Known> {
    while (this.#documents.length <= number) this.#documents.push(new Map())
    return this.#documents[number] as Map<BlockId, Known>
  }

  #place(id: BlockId): number {
    if (this.#document(this.#open).size >= FULL) {
      this.#full.add(this.#open)
      // Blocks that are gone leave room.
      const free = this.#documents.findIndex(document => document.size <= FULL / 2)
      this.#open = free < 0 ? this.#documents.length : free
    }
    this.#places.set(id, this.#open)
    return this.#open
  }

  async #loadDocument(number: number): Promise<void> {
    const key = keyOf(number)
    const document = await this.#get(key)
    if (document === undefined) return
    const blocks = readDocument(document, this.#share)
    if (!blocks) {
      this.#host.log.warn('a cache document is damaged: its blocks are read again', { key })
      this.#changed.add(number)
    }
    for (const known of blocks ?? []) {
      // After a power cut a block may be in two documents. One of them is old.
      if (this.#places.has(known.id)) this.#changed.add(number)
      else {
        this.#document(number).set(known.id, known)
        this.#places.set(known.id, number)
      }
    }
  }

  async #write(number: number): Promise<void> {
    this.#changed.delete(number)
    this.#full.delete(number)
    try {
      if (number >= this.#indexed) {
        await this.#state.set(INDEX, { documents: number + AHEAD })
        this.#indexed = number + AHEAD
      }
      const document = this.#documents[number]
      if (document?.size) await this.#state.set(keyOf(number), writeDocument(document.values()))
      else await this.#state.delete(keyOf(number))
    } catch (error) {
      this.#changed.add(number)
      this.#warn('a cache document cannot be written', keyOf(number), error)
    }
  }

  async #get(key: string): Promise<unknown> {
    try {
      return await this.#state.get(key)
    } catch (error) {
      this.#warn('a cache document cannot be read: its blocks are read again', key, error)
      return undefined
    }
  }

  #warn(message: string, key: string, error: unknown): void {
    this.#host.log.warn(message, { key, code: codeOf(error), error: rawMessageOf(error) })
  }
}

function keyOf(number: number): string {
  return `metas-${number}`
}
