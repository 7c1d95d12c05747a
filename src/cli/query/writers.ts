/** Answers that are written series by series, as they come: nothing of them is kept. */
import { instant } from '../../contracts/duration.ts'
import type { Label } from '../../query/labels.ts'
import type { HistogramAt } from '../../query/samples.ts'
import { visible } from '../../runtime/terminal/text.ts'
import { bucketsOf, histogramText } from './histogram.ts'
import { numberText, secondsText } from './number-text.ts'
import type { Points } from './points.ts'
import { seriesText } from './series-text.ts'

export interface SeriesWriter {
  /** `points` has one point at least. */
  series(labels: readonly Label[], points: Points): void
  end(warnings: readonly string[]): void
}

type Write = (text: string) => void

/** One line of JSON, as Prometheus' API answers a query of a range. */
export function jsonWriter(write: Write): SeriesWriter {
  let before = '{"status":"success","data":{"resultType":"matrix","result":['
  return {
    series(labels, points) {
      const { floats, histograms } = split(points)
      const values = floats.length > 0 ? `,"values":[${floats.join(',')}]` : ''
      const more = histograms.length > 0 ? `,"histograms":[${histograms.join(',')}]` : ''
      write(`${before}{"metric":${JSON.stringify(Object.fromEntries(labels))}${values}${more}}`)
      before = ','
    },
    end(warnings) {
      const more = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : ''
      write(`${before === ',' ? '' : before}]}${more}}\n`)
    },
  }
}

function split({ times, values }: Points) {
  const floats: string[] = []
  const histograms: string[] = []
  for (const [i, value] of values.entries()) {
    const time = secondsText(times[i] as number)
    if (typeof value === 'number') floats.push(`[${time},"${numberText(value)}"]`)
    else histograms.push(`[${time},${histogramJson(value)}]`)
  }
  return { floats, histograms }
}

function histogramJson(at: HistogramAt): string {
  const buckets = bucketsOf(at).map(({ lower, upper, count, lowerInclusive, upperInclusive }) => {
    const bounds = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2
    return [bounds, ...[lower, upper, count].map(numberText)]
  })
  const [count, sum] = [at.of.counts[at.i] as number, at.of.sums[at.i] as number].map(numberText)
  return JSON.stringify({ count, sum, ...(buckets.length > 0 && { buckets }) })
}

/** A line for each sample, as RFC 4180 says. */
export function csvWriter(write: Write): SeriesWriter {
  write('series,time,value\r\n')
  return {
    series(labels, { times, values }) {
      const name = csvField(seriesText(labels))
      write(
        values.map((value, i) => `${name},${instant(times[i] as number)},${csvField(valueText(value))}\r\n`).join(''),
      )
    },
    end() {},
  }
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** For a file, or another program that reads lines. */
export function tableWriter(write: Write): SeriesWriter {
  let before = ''
  return {
    series(labels, { times, values }) {
      const rows = values.map((value, i) => `  ${instant(times[i] as number)}  ${valueText(value)}\n`)
      write(`${before}${visible(seriesText(labels))}\n${rows.join('')}`)
      before = '\n'
    },
    end() {},
  }
}

export function valueText(value: number | HistogramAt): string {
  return typeof value === 'number' ? numberText(value) : histogramText(value)
}
