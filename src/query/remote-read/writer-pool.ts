/** Writers that are used again: memory of many megabytes is slow to get, slow to grow, and slow to give back. */
import { ProtoWriter } from './proto-writer.ts'

export interface WriterPoolOptions {
  /** Bytes that a new one has. */
  readonly size: number
  /** So many are kept until they are asked for: those of a burst go. */
  readonly idle: number
  /** One that has grown beyond goes. */
  readonly maxBytes: number
}

export class WriterPool {
  readonly #options: WriterPoolOptions
  readonly #idle: ProtoWriter[] = []

  constructor(options: WriterPoolOptions) {
    this.#options = options
  }

  /** An empty one. */
  take(): ProtoWriter {
    const writer = this.#idle.pop() ?? new ProtoWriter(this.#options.size)
    writer.length = 0
    return writer
  }

  /** Nothing that the writer has given out may be in use any more. */
  give(writer: ProtoWriter): void {
    const { idle, maxBytes } = this.#options
    if (writer.bytes.length <= maxBytes && this.#idle.length < idle) this.#idle.push(writer)
  }
}
