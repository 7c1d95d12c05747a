/** How far a long read is: a live line on a terminal, a line now and then elsewhere. */
import type { Host } from '../../contracts/host.ts'
import { bytesText, countOf, countText } from '../../contracts/text.ts'
import type { Screen } from '../../runtime/terminal.ts'

const LIVE_MS = 100
const FIRST_PLAIN_MS = 1_000
const PLAIN_MS = 5_000

export class ReadProgress implements Disposable {
  /** Undefined while the bucket is listed, and where no bucket is. */
  blocks: number | undefined
  series = 0
  samples = 0
  readonly #screen: Screen | undefined
  readonly #host: Host
  #bytes = 0
  #timer: Disposable | undefined

  /** @param screen undefined: nothing is shown */
  constructor(screen: Screen | undefined, host: Host) {
    this.#screen = screen
    this.#host = host
    if (screen) this.#timer = host.setTimer(screen.live ? LIVE_MS : FIRST_PLAIN_MS, () => this.#tick(screen))
  }

  readonly read = (bytes: number): void => {
    this.#bytes += bytes
  }

  /** `12.3 MB read of 15 blocks, 256 series, 30,720 samples` */
  get line(): string {
    const { blocks, series, samples } = this
    if (blocks === undefined && this.#bytes === 0) return 'the blocks are listed'
    const of = blocks === undefined ? '' : ` of ${countOf(blocks, 'block')}`
    return `${bytesText(this.#bytes)} read${of}, ${countText(series)} series, ${countOf(samples, 'sample')}`
  }

  /** The live line is gone, and no other comes. */
  end(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#screen?.clear()
  }

  [Symbol.dispose](): void {
    this.end()
  }

  #tick(screen: Screen): void {
    if (screen.live) screen.draw(this.line)
    else screen.write(`${this.line}\n`)
    this.#timer = this.#host.setTimer(screen.live ? LIVE_MS : PLAIN_MS, () => this.#tick(screen))
  }
}
