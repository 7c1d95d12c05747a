/** What a schedule waits for, as the watcher sees it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Watcher } from './watcher.ts'

/** A step that takes longer has failed. */
export const STEP_MS = 240_000
const LOOK_MS = 250
/** Looks in a row: one may fall between two answers. */
const LOOKS = 3

export interface WaitsOptions {
  readonly watcher: Watcher
  readonly blocks: number
  readonly replicas: number
  readonly status: (text: string) => void
}

export class Waits {
  readonly #options: WaitsOptions

  constructor(options: WaitsOptions) {
    this.#options = options
  }

  /** Every gateway is ready, and every block is with as many of them as it is to be. */
  async settled(): Promise<void> {
    const { watcher, blocks, replicas } = this.#options
    const copies = Math.min(replicas, watcher.gateways.length)
    await this.until(`${blocks} blocks must have ${copies} servers each`, () => {
      return watcher.gateways.every(id => watcher.isReady(id)) && watcher.copies().get(copies) === blocks
    })
  }

  /** Every block is with somebody. */
  async served(): Promise<void> {
    const { blocks, watcher } = this.#options
    await this.until('every block must be served', () => {
      return [...watcher.copies().values()].reduce((sum, n) => sum + n, 0) === blocks
    })
  }

  /** @throws Error that says what must be, and how it stands, where it is not within the time of a step */
  async until(what: string, done: () => boolean): Promise<void> {
    const begun = performance.now()
    for (let times = 0; times < LOOKS; times = done() ? times + 1 : 0) {
      if (performance.now() - begun > STEP_MS) {
        throw new Error(`${what} within ${STEP_MS / 1000} s: ${this.shown()}`)
      }
      this.#options.status(this.shown())
      await delay(LOOK_MS)
    }
  }

  /** `5 gateways, servers×blocks 1×1990 2×10`. */
  shown(): string {
    const { watcher } = this.#options
    const copies = [...watcher.copies()].sort((a, b) => a[0] - b[0])
    const text = copies.map(([servers, count]) => `${servers}×${count}`).join(' ') || 'none'
    return `${watcher.gateways.length} gateways, servers×blocks ${text}`
  }
}
