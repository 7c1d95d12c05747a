/**
 * The journal of loads in flight. A load is written down before it starts; what is found in it at start was in flight
 * when the process died. One block that kills the process must not kill it for ever.
 */
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Log, StateStore } from '../contracts/host.ts'

const KEY = 'loads-in-flight'
/** So many deaths in flight make a block `failed(poison)`. */
export const POISON_DEATHS = 3

interface Document {
  readonly inFlight: readonly string[]
  readonly deaths: Readonly<Record<string, number>>
}

export class LoadJournal {
  readonly #state: StateStore
  readonly #log: Log
  readonly #inFlight = new Set<BlockId>()
  readonly #deaths = new Map<BlockId, number>()
  /** Of those with deaths, the ones that the last complete view did not have. */
  #absent = new Set<BlockId>()
  #writing: Promise<void> | undefined
  #queued: Promise<void> | undefined
  #isLost = false

  constructor(state: StateStore, log: Log) {
    this.#state = state
    this.#log = log
  }

  /** Reads what the last process left, counts one death more for each block it had in flight, and writes that down. */
  async open(): Promise<void> {
    const { inFlight, deaths } = parse(await this.#state.get(KEY))
    for (const [id, count] of deaths) this.#deaths.set(id, count)
    for (const id of inFlight) this.#deaths.set(id, (this.#deaths.get(id) ?? 0) + 1)
    if (inFlight.length > 0) await this.#note()
  }

  /** Clears the record of blocks that are held after all: the process died between their commit and their `end()`. */
  async forgive(held: { has(id: BlockId): boolean }): Promise<void> {
    const innocent = [...this.#deaths.keys()].filter(id => held.has(id))
    for (const id of innocent) this.#deaths.delete(id)
    if (innocent.length > 0) await this.#note()
  }

  /** Clears the record of blocks that were in neither of the last two complete views. */
  async forgetAbsent(isThere: (id: BlockId) => boolean): Promise<void> {
    const gone = [...this.#deaths.keys()].filter(id => !isThere(id))
    const twice = new Set(gone.filter(id => this.#absent.has(id)))
    this.#absent = new Set(gone)
    await this.forgive(twice)
  }

  /** How often the process died while this block was being loaded, and it was not loaded since. */
  deaths(id: BlockId): number {
    return this.#deaths.get(id) ?? 0
  }

  /** Of all blocks that were not loaded since. */
  get allDeaths(): number {
    let sum = 0
    for (const count of this.#deaths.values()) sum += count
    return sum
  }

  /** Blocks that were in flight at a death, to be tried last and alone. */
  get suspects(): number {
    return this.#deaths.size
  }

  /** Resolves once the disk knows that the load begins. Many loads that begin at once share one write. */
  begin(id: BlockId): Promise<void> {
    this.#inFlight.add(id)
    return this.#write()
  }

  /** The load ended, well or badly, with the process alive. `loaded` clears the block's record. */
  async end(id: BlockId, loaded: boolean): Promise<void> {
    this.#inFlight.delete(id)
    if (loaded) this.#deaths.delete(id)
    await this.#note()
  }

  /** Resolves when nothing is being written: before that, a process that exits leaves a death that was none. */
  async settled(): Promise<void> {
    // Who began a write is told of its failure.
    while (this.#writing) await (this.#queued ?? this.#writing).catch(() => {})
  }

  /** A full disk keeps nobody from serving what is held: told once, until a note is written again. Never rejects. */
  async #note(): Promise<void> {
    try {
      await this.#write()
      this.#isLost = false
    } catch (error) {
      if (this.#isLost) return
      this.#isLost = true
      this.#log.warn('the journal of loads cannot be written', { code: codeOf(error), error: rawMessageOf(error) })
    }
  }

  /** A write that begins after this call: the running one may have been too early to carry the change. */
  #write(): Promise<void> {
    if (!this.#writing) return this.#start()
    this.#queued ??= this.#writing
      .catch(() => {}) // its own callers see that failure
      .then(() => {
        this.#queued = undefined
        return this.#start()
      })
    return this.#queued
  }

  #start(): Promise<void> {
    const document: Document = { inFlight: [...this.#inFlight], deaths: Object.fromEntries(this.#deaths) }
    const writing = this.#state.set(KEY, document).finally(() => {
      if (this.#writing === writing) this.#writing = undefined
    })
    this.#writing = writing
    return writing
  }
}

/** The document is a file on somebody's disk: what does not fit is left out. */
function parse(value: unknown): { inFlight: BlockId[]; deaths: [BlockId, number][] } {
  if (typeof value !== 'object' || value === null) return { inFlight: [], deaths: [] }
  const { inFlight, deaths } = value as Partial<Document>
  const ids = Array.isArray(inFlight)
    ? inFlight.filter((id): id is BlockId => typeof id === 'string' && isBlockId(id))
    : []
  const counts = typeof deaths === 'object' && deaths !== null ? Object.entries(deaths) : []
  return {
    inFlight: ids,
    deaths: counts.filter((e): e is [BlockId, number] => isBlockId(e[0]) && Number.isInteger(e[1]) && e[1] > 0),
  }
}
