/** An answer on a terminal: a plot of the first series, and a line on each. */
import { countOf, countText } from '../../contracts/text.ts'
import type { Label } from '../../query/labels.ts'
import { type Painter, visible } from '../../runtime/terminal/text.ts'
import { table } from '../text.ts'
import { numberText } from './number-text.ts'
import { COLOURS, type Line, plot } from './plot.ts'
import type { Points } from './points.ts'
import { LOOKBACK_MS, type Question } from './question.ts'
import { seriesText } from './series-text.ts'
import type { SeriesWriter } from './writers.ts'

const MAX_COLUMNS = 160

export interface TerminalOptions {
  readonly question: Question
  readonly columns: number | undefined
  readonly paint: Painter
}

/** Of a histogram its count is plotted. */
export function terminalWriter(write: (text: string) => void, options: TerminalOptions): SeriesWriter {
  const { question, columns = 80, paint } = options
  const { start, end, step } = question
  const shown: { readonly labels: readonly Label[]; readonly line: Line; readonly isCount: boolean }[] = []
  let series = 0
  let samples = 0
  return {
    series(labels, points) {
      series++
      samples += points.times.length
      if (shown.length < COLOURS.length) shown.push({ labels, ...lineOf(points) })
    },
    end() {
      if (series === 0) return
      const gap = Math.max(LOOKBACK_MS, 2 * (step ?? 0))
      const lines = shown.map(({ line }) => line)
      const drawn = plot(lines, { from: start, to: end, gap, columns: Math.min(columns, MAX_COLUMNS), paint })
      const rows = shown.map(({ labels, line: { values }, isCount }) => {
        const name = seriesText(labels)
        return [isCount ? `count of ${name}` : name, ...statsOf(values)]
      })
      const [head = '', ...legend] = table([['', 'min', 'max', 'last'], ...rows])
      const marks = legend.map((row, i) => `${paint[COLOURS[i] ?? 'dim']('⣀⣀')} ${row}`)
      const rest = series - shown.length
      const more = rest > 0 ? [`   and ${countText(rest)} more: --csv and --json have all`] : []
      const total = `${countText(series)} series, ${countOf(samples, 'sample')}`
      write(`${[...drawn, '', paint.dim(`   ${head}`), ...marks, ...more, '', visible(total)].join('\n')}\n`)
    },
  }
}

function lineOf({ times, values }: Points): { readonly line: Line; readonly isCount: boolean } {
  const isCount = typeof values[0] !== 'number'
  const numbers = values.map(value => (typeof value === 'number' ? value : (value.of.counts[value.i] as number)))
  return { line: { times, values: numbers }, isCount }
}

function statsOf(values: readonly number[]): readonly string[] {
  let [low, high] = [Number.NaN, Number.NaN]
  for (const value of values) {
    if (!(value >= low)) low = Number.isNaN(value) ? low : value
    if (!(value <= high)) high = Number.isNaN(value) ? high : value
  }
  return [low, high, values.at(-1) ?? Number.NaN].map(numberText)
}
