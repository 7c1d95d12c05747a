/**
 * The journal of loads in flight. A load is written down before it starts; what is found in it at start was in flight
 * when the process crashed. One block that crashes the process must not do so for ever.
 */
import { Coalesced } from '../async/coalesced.ts'
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { errorFields } from '../contracts/errors.ts'
import type { Host, StateStore } from '../contracts/host.ts'

const KEY = 'loads-in-flight'
/** So many crashes make a block `failed(poison)`. */
export const POISON_CRASHES = 3

/** As it stands on the disk. `deaths`: the crash counts. */
interface Document {
  readonly inFlight: readonly string[]
  readonly deaths: Readonly<Record<string, number>>
  /** When each load in flight began, ms since the epoch. */
  readonly began: Readonly<Record<string, number>>
  /** When this was written: until then the process lived. */
  readonly at: number
}

/** What the process before left. */
export interface LeftInFlight {
  readonly ids: readonly BlockId[]
  /** A Document, as it was read: to be checked. */
  readonly document: unknown
}

export class LoadJournal {
  readonly #state: StateStore
  readonly #host: Host
  /** When each began. */
  readonly #inFlight = new Map<BlockId, number>()
  readonly #crashes = new Map<BlockId, number>()
  /** Of those with crashes, the ones that the last complete view did not have. */
  #absent = new Set<BlockId>()
  readonly #writes: Coalesced
  #isLost = false

  constructor(state: StateStore, host: Host) {
    this.#state = state
    this.#host = host
    this.#writes = new Coalesced(async () => {
      const document: Document = {
        inFlight: [...this.#inFlight.keys()],
        deaths: Object.fromEntries(this.#crashes),
        began: Object.fromEntries(this.#inFlight),
        at: host.now(),
      }
      await state.set(KEY, document)
    })
  }

  /**
   * Reads what the last process left, counts one crash more for each block it had in flight, and writes that down.
   * @returns the blocks that were in flight
   */
  async open(): Promise<LeftInFlight> {
    const document = await this.#state.get(KEY)
    const { inFlight: ids, crashes } = parse(document)
    for (const [id, count] of crashes) this.#crashes.set(id, count)
    for (const id of ids) this.#crashes.set(id, this.crashes(id) + 1)
    if (ids.length > 0) await this.#note()
    return { ids, document }
  }

  /** Clears the crashes of blocks that are held after all: the process crashed between their commit and their `end()`. */
  async forgive(held: { has(id: BlockId): boolean }): Promise<void> {
    const innocent = [...this.#crashes.keys()].filter(id => held.has(id))
    for (const id of innocent) this.#crashes.delete(id)
    if (innocent.length > 0) await this.#note()
  }

  /** Clears the crashes of blocks that were in neither of the last two complete views. */
  async forgetAbsent(isThere: (id: BlockId) => boolean): Promise<void> {
    const before = this.#absent
    this.#absent = new Set(this.#crashes.keys().filter(id => !isThere(id)))
    await this.forgive(before.intersection(this.#absent))
  }

  /** How often the process crashed while this block was being loaded; 0 once it was loaded. */
  crashes(id: BlockId): number {
    return this.#crashes.get(id) ?? 0
  }

  /** Of all blocks. */
  get allCrashes(): number {
    return [...this.#crashes.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Blocks that were in flight at a crash, to be tried last and alone. */
  get suspects(): number {
    return this.#crashes.size
  }

  /** Resolves once the disk knows that the load begins. Many loads that begin at once share one write. */
  begin(id: BlockId): Promise<void> {
    this.#inFlight.set(id, this.#host.now())
    return this.#writes.request()
  }

  /** The load ended, well or badly, with the process alive. `loaded` clears the block's crashes. */
  async end(id: BlockId, loaded: boolean): Promise<void> {
    this.#inFlight.delete(id)
    if (loaded) this.#crashes.delete(id)
    await this.#note()
  }

  /** Resolves when nothing is being written: a process that exits before that leaves a crash that was none. */
  written(): Promise<void> {
    return this.#writes.idle()
  }

  /** A full disk keeps nobody from serving what is held: told once, until a note is written again. Never rejects. */
  async #note(): Promise<void> {
    try {
      await this.#writes.request()
      this.#isLost = false
    } catch (error) {
      if (this.#isLost) return
      this.#isLost = true
      this.#host.log.warn('the journal of loads cannot be written', errorFields(error))
    }
  }
}

/** The document is a file on somebody's disk: what does not fit is left out. */
function parse(document: unknown): { inFlight: BlockId[]; crashes: [BlockId, number][] } {
  const { inFlight, deaths } = Object(document)
  const counts = Object.entries(Object(deaths))
  const isBlock = (id: unknown): id is BlockId => typeof id === 'string' && isBlockId(id)
  return {
    inFlight: [inFlight].flat().filter(isBlock),
    crashes: counts.filter((e): e is [BlockId, number] => isBlock(e[0]) && Number.isInteger(e[1]) && Number(e[1]) > 0),
  }
}
