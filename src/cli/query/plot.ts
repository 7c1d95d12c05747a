/** Lines of a few series on a terminal, in braille: each character has two columns and four rows of dots. */
import { instant } from '../../contracts/duration.ts'
import type { Colour, Painter } from '../../runtime/terminal/text.ts'

/** One for each line; those that differ most are first. */
export const COLOURS: readonly Colour[] = ['green', 'yellow', 'cyan', 'magenta', 'blue', 'red']

export interface Line {
  /** ms, ascending. */
  readonly times: readonly number[]
  readonly values: readonly number[]
}

export interface PlotOptions {
  /** ms: the ends of the time axis. */
  readonly from: number
  readonly to: number
  /** Samples that are further apart are not joined, ms. */
  readonly gap: number
  /** Characters of a line. */
  readonly columns: number
  readonly paint: Painter
}

const ROWS = 14
/** The bits of a braille character, by the column and the row of the dot. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const

export function plot(lines: readonly Line[], { from, to, gap, columns, paint }: PlotOptions): string[] {
  const [low, high] = boundsOf(lines)
  const labels = [high, (low + high) / 2, low].map(axisText)
  const margin = Math.max(...labels.map(label => label.length))
  const width = Math.max(10, columns - margin - 3)
  const dots = new Uint8Array(width * ROWS)
  const colours = new Uint8Array(width * ROWS)
  const x = (time: number) => Math.round(((time - from) / Math.max(1, to - from)) * (2 * width - 1))
  const y = (value: number) => Math.round(((high - value) / (high - low)) * (4 * ROWS - 1))
  for (const [n, { times, values }] of lines.entries()) {
    let last = Number.NaN
    for (const [i, time] of times.entries()) {
      if (!isShown(values[i] as number)) continue
      const isJoined = time - (times[last] as number) <= gap
      const before = isJoined ? last : i
      const start = [x(times[before] as number), y(values[before] as number)] as const
      const end = [x(time), y(values[i] as number)] as const
      const steps = Math.max(1, Math.abs(end[0] - start[0]), Math.abs(end[1] - start[1]))
      for (let step = 0; step <= steps; step++) {
        const [column, row] = [0, 1].map(k =>
          Math.round(start[k as 0] + ((end[k as 0] - start[k as 0]) * step) / steps),
        ) as [number, number]
        const cell = (row >> 2) * width + (column >> 1)
        dots[cell] = (dots[cell] as number) | (DOTS[(column & 1) as 0][(row & 3) as 0] as number)
        colours[cell] = n
      }
      last = i
    }
  }
  const painted = Array.from({ length: ROWS }, (_, row) => {
    const label = row === 0 ? labels[0] : row === ROWS >> 1 ? labels[1] : row === ROWS - 1 ? labels[2] : undefined
    let text = ''
    for (let cell = row * width; cell < (row + 1) * width; ) {
      const from = cell
      // One colour for all that have it: a code for each character would be most of the text.
      while (cell < (row + 1) * width && colours[cell] === colours[from]) cell++
      const shown = Array.from(dots.subarray(from, cell), bits =>
        bits === 0 ? ' ' : String.fromCharCode(0x2800 + bits),
      ).join('')
      text += shown.trim() === '' ? shown : paint[COLOURS[colours[from] as number] ?? 'dim'](shown)
    }
    return `${(label ?? '').padStart(margin)} ${label === undefined ? '│' : '┤'}${text}`.trimEnd()
  })
  const [left, right] = [instant(from), instant(to)]
  const time = `${left}${right.padStart(Math.max(right.length + 1, width - left.length))}`
  return [...painted, `${' '.repeat(margin)} └${'─'.repeat(width)}`, `${' '.repeat(margin + 2)}${time}`]
}

/** The lowest and the highest value; some space around one that is alone. */
function boundsOf(lines: readonly Line[]): readonly [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { values } of lines)
    for (const value of values) {
      if (!isShown(value)) continue
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  if (low > high) return [0, 1]
  const around = Math.abs(low) / 2 || 1
  return low === high ? [low - around, high + around] : [low, high]
}

/** Not NaN, not infinite, and not so large that the difference of two overflows. */
function isShown(value: number): boolean {
  return Math.abs(value) < 1e307
}

function axisText(value: number): string {
  return String(Number(value.toPrecision(5)))
}
