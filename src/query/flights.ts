/** Reads that are under way, so that what is asked for twice at once is read once: panels of a dashboard ask for the same blocks. */
import { SharedWork } from '../async/shared-work.ts'
import type { Span } from './ranges.ts'

interface Flight extends Span {
  readonly work: SharedWork<Uint8Array>
}

export class Flights {
  /** By file of a block; nothing stays once its reads have ended. */
  readonly #files = new Map<string, Set<Flight>>()

  /** Reads under way. */
  get size(): number {
    let count = 0
    for (const flights of this.#files.values()) count += flights.size
    return count
  }

  /**
   * The bytes of `span`: of a read under way that covers it, or of `read`. An error goes to all who wait for it; one whose `signal`
   * aborts leaves the read to the others.
   *
   * @param file names the file, of all blocks
   */
  async read(
    file: string,
    span: Span,
    read: (signal: AbortSignal) => Promise<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    signal.throwIfAborted()
    const { offset, end } = span
    const known = this.#covering(file, span)
    if (known) return (await known.work.wait(signal)).subarray(offset - known.offset, end - known.offset)
    const flights = this.#files.get(file) ?? new Set<Flight>()
    this.#files.set(file, flights)
    const flight: Flight = { offset, end, work: new SharedWork(read) }
    flights.add(flight)
    void flight.work.ended.then(() => {
      flights.delete(flight)
      if (flights.size === 0 && this.#files.get(file) === flights) this.#files.delete(file)
    })
    return await flight.work.wait(signal)
  }

  #covering(file: string, { offset, end }: Span): Flight | undefined {
    for (const flight of this.#files.get(file) ?? []) {
      if (flight.offset <= offset && end <= flight.end && !flight.work.abandoned) return flight
    }
    return undefined
  }
}
