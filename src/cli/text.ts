/** Values as lines of a person's terminal. What comes out of a bucket is made visible. */
import type { BlockMeta } from '../contracts/block.ts'
import { visible } from '../runtime/terminal/text.ts'

/** Rows under each other; the last column is not padded. `indent` stands before each row. */
export function table(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      if (i < row.length - 1) widths[i] = Math.max(widths[i] ?? 0, cell.length)
    }
  }
  return rows.map(row => (indent + row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).trimEnd())
}

/** `90d`, `36h`, `1m 30s`: exact, in the units of a config. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s'
  let rest = Math.abs(ms)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const n = Math.floor(rest / size)
    if (n > 0) parts.push(`${n}${unit}`)
    rest -= n * size
  }
  return (ms < 0 ? '-' : '') + parts.join(' ')
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** `{cluster="eu", replica="a"}` */
export function labelsText(labels: BlockMeta['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => visible(`${name}=${JSON.stringify(value)}`))
  return `{${pairs.join(', ')}}`
}

/** `2, from 3 sources` */
export function levelText({ compaction }: BlockMeta): string {
  return `${compaction.level}, from ${countOf(compaction.sources.length, 'source')}`
}

/** `1 block`, `2 blocks` */
export function countOf(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Options on one line: `delay: 24h, relabel: [{ action: keep }]`. */
export function optionsText(value: unknown): string {
  if (!isRecord(value)) return inner(value)
  return Object.entries(value)
    .map(([key, item]) => `${key}: ${inner(item)}`)
    .join(', ')
}

function inner(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@%+() -]+$/.test(value) ? value : visible(JSON.stringify(value))
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
