/** Lines for a person's terminal. */
import type { BlockMeta } from '../contracts/block.ts'
import { instant } from '../contracts/duration.ts'
import { countOf, durationText, labelsText } from '../contracts/text.ts'
import { visible } from '../runtime/terminal/text.ts'

/**
 * Rows under each other; the last column is not padded. `indent` stands before each row. Cells may come out of a bucket:
 * they are made visible.
 */
export function table(rows: readonly (readonly string[])[], indent = ''): string[] {
  const shown = rows.map(row => row.map(visible))
  const widths: number[] = []
  for (const row of shown) {
    for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  }
  return shown.map(row => (indent + row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).trimEnd())
}

/** Rows that tell what a block holds. */
export function metaRows({ minTime, maxTime, labels, compaction }: BlockMeta): string[][] {
  return [
    ['time', `${instant(minTime)} to ${instant(maxTime)} (${durationText(maxTime - minTime)})`],
    ['labels', labelsText(labels)],
    ['level', `${compaction.level}, from ${countOf(compaction.sources.length, 'source')}`],
  ]
}

/** Options on one line: `delay: 24h, relabel: [{ action: keep }]`. */
export function optionsText(value: unknown): string {
  if (!isRecord(value)) return inner(value)
  return Object.entries(value)
    .map(([key, item]) => `${key}: ${inner(item)}`)
    .join(', ')
}

function inner(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@%+() -]+$/.test(value) ? value : JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`
  return isRecord(value) ? `{ ${optionsText(value)} }` : String(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The host of an address as it stands before `:port`; every interface is `''`. */
export function hostText(host: string | undefined): string {
  return host?.includes(':') ? `[${host}]` : (host ?? '')
}
