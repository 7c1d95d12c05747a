/** A terminal with one live line at its end, which lines of a log do not run into. */

/** The part of process.stderr that is needed. */
export interface Output {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  /** False once nobody reads what is written. */
  readonly writable?: boolean | undefined
  write(text: string): unknown
}

export type Env = Readonly<Record<string, string | undefined>>

const CLEAR = '\r\x1b[2K'

/** Whole lines go through `write`; `draw` shows the live line anew. Where there is no terminal, nothing is drawn. */
export class Screen implements Output {
  readonly #output: Output
  readonly isTTY: boolean
  /** Whether lines can be drawn over. */
  readonly live: boolean
  #line = ''

  constructor(output: Output, env: Env) {
    this.#output = output
    this.isTTY = output.isTTY === true
    this.live = this.isTTY && env.TERM !== 'dumb'
  }

  get columns(): number | undefined {
    return this.#output.columns
  }

  write(text: string): void {
    const line = this.#line
    this.clear()
    this.#output.write(text)
    this.draw(line)
  }

  /** Cut to the width of the terminal: a line that wraps cannot be drawn over. */
  draw(line: string): void {
    if (!this.live || line === '') return
    const columns = this.#output.columns || 80
    this.#line = line
    this.#output.write(CLEAR + line.slice(0, columns - 1))
  }

  clear(): void {
    if (this.#line === '') return
    this.#line = ''
    this.#output.write(CLEAR)
  }
}
