/** What happened, as people read it when something went wrong. Lines are made when somebody asks. */

type Line = readonly [at: number, who: string, what: string, ...details: readonly unknown[]]

const KEPT = 4_000

export class StoryLog {
  readonly #lines: Line[] = []
  #first = 0

  add(at: number, who: string, what: string, details: readonly unknown[]): void {
    this.#lines.push([at, who, what, ...details])
    if (this.#lines.length <= 2 * KEPT) return
    this.#lines.splice(0, KEPT)
    this.#first += KEPT
  }

  /** The last lines, oldest first. */
  tell(count: number): string {
    const lines = this.#lines.slice(-count)
    const before = this.#first + this.#lines.length - lines.length
    return [...(before > 0 ? [`… ${before} lines before`] : []), ...lines.map(told)].join('\n')
  }
}

function told([at, who, what, ...details]: Line): string {
  const time = `${(at / 1000).toFixed(3)} s`.padStart(12)
  return [time, who.padEnd(6), what, ...details.map(show)].filter(text => text !== '').join(' ')
}

function show(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
