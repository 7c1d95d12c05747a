/** Tables of measured rows, as README.md has them. */

export type Row = Readonly<Record<string, string | number>>

/** The keys of the first row are the head; all rows must have the same. */
export function tableOf(rows: readonly Row[]): string {
  const head = Object.keys(rows[0] ?? {})
  const lines = [
    head,
    head.map(() => '---'),
    ...rows.map(row => Object.values(row).map(value => value.toLocaleString('en'))),
  ]
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

export function round(n: number, digits: number): number {
  return Number(n.toFixed(digits))
}
