/** The labels and chunks of a block, as lines for a person. */
import { bytesText, countOf, countText } from '../../contracts/text.ts'
import type { Painter } from '../../runtime/terminal/text.ts'
import type { BlockReport } from '../inspect-block.ts'
import { table } from '../text.ts'
import type { ChunkReport } from './chunk-stats.ts'
import type { LabelReport } from './label-pairs.ts'

/** Columns of a bar. */
const BAR = 40

export function contentsText({ labels, chunks, files }: BlockReport, paint: Painter): string[] {
  const bytes = files.reduce((sum, { path, size }) => (path.startsWith('chunks/') ? sum + size : sum), 0)
  const unread = labels ? [`${bytesText(bytes)} of chunks are read with --verify only`, ''] : []
  return [...(labels ? labelsText(labels, paint) : []), ...(chunks ? chunksText(chunks, paint) : unread)]
}

/** What is said where nothing is wrong. */
export function checkedText({ checked }: BlockReport): string {
  if (!checked) return 'nothing is wrong'
  const { series, lists, chunks, samples } = checked
  const all = [countText(series), 'series,', countOf(lists, 'postings list'), 'and', countOf(chunks, 'chunk')].join(' ')
  return `nothing is wrong: ${all} with ${countOf(samples, 'sample')} were checked`
}

function labelsText({ series, names, pairs, entries, ...top }: LabelReport, paint: Painter): string[] {
  const number = (n: number) => countText(n).padStart(11)
  return [
    `${paint.bold('labels')}  ${countText(series)} series, ${countOf(names, 'name')}, ${countOf(pairs, 'pair')}, ${countText(entries)} in all series`,
    ...table([['     values', 'label'], ...top.topLabels.map(({ values, name }) => [number(values), name])]),
    '',
    ...table([['     series', 'metric name'], ...top.topMetrics.map(each => [number(each.series), each.name])]),
    '',
    ...table([
      ['     series', 'label pair'],
      ...top.topPairs.map(({ name, value, series: count }) => [number(count), `${name}=${JSON.stringify(value)}`]),
    ]),
    '',
  ]
}

function chunksText({ chunks, samples, encodings, samplesPerChunk }: ChunkReport, paint: Painter): string[] {
  const number = (n: number) => countText(n).padStart(11)
  const most = Math.max(1, ...samplesPerChunk.map(step => step.chunks))
  return [
    `${paint.bold('chunks')}  ${countText(chunks)}, with ${countOf(samples, 'sample')}`,
    ...table([
      ['     chunks', '    samples', '     bytes', 'encoding'],
      ...encodings.map(each => [
        number(each.chunks),
        number(each.samples),
        bytesText(each.bytes).padStart(10),
        each.encoding,
      ]),
    ]),
    '',
    ...table([
      ['     chunks', 'samples each'],
      ...samplesPerChunk.map(({ from, to, chunks: count }) => {
        const range = `${countText(from)} to ${countText(to)}`
        return [number(count), `${range.padEnd(16)} ${'#'.repeat(Math.ceil((BAR * count) / most))}`]
      }),
    ]),
    '',
  ]
}
