/** What a run came to, for a person. */
import type { BlockId } from '../../contracts/block.ts'
import { instant } from '../../contracts/duration.ts'
import { timeText } from '../../contracts/text.ts'
import type { RunResult } from '../../sync/run-result.ts'
import type { Env, Output } from './screen.ts'
import { painter, visible } from './text.ts'

export interface SummaryOptions {
  readonly output: Output
  /** `NO_COLOR`, when set and not empty, turns colours off. */
  readonly env: Env
}

/** Up to so many blocks that were added, or dropped, are named. */
const NAMED = 10

/** What was added, what was skipped by which stage and why, and what failed. */
export function summaryText(result: RunResult, { output, env }: SummaryOptions): string {
  const paint = painter(output, env)
  const { run, stages, blocks, failures, notes, marked } = result.summary
  const error = result.error && paint.red(visible(`  ${result.error.at ?? 'run'}: ${result.error.message}`))
  const isPartly = result.status === 'done' && !run.complete
  const partly = !isPartly ? '' : run.restsOn ? `, by ${run.restsOn}` : paint.red(', the view was incomplete')
  const lines = [`${paint.bold(`${run.reason} run ${result.status}`)} in ${timeText(run.durationMs)}${partly}`, '']
  // Nothing was listed: all that could be told are zeros.
  if (error && result.status === 'failed' && blocks.seen === 0) return [...lines, error, '', ''].join('\n')
  const failed = `${blocks.failed} failed`
  const parts = [
    paint.green(`${blocks.added} added`),
    `${blocks.unchanged} unchanged`,
    paint.yellow(`${blocks.skipped} skipped`),
    blocks.failed > 0 ? paint.red(failed) : failed,
  ]
  lines.push(`  ${blocks.seen} blocks seen: ${parts.join(', ')}`)
  if (blocks.seen === 0 && run.complete && !error) lines.push('  the bucket shows nothing where its blocks must lie')
  lines.push(
    ...named(
      'added',
      [...result.outcomes].flatMap(([id, { kind }]) => (kind === 'added' ? [id] : [])),
    ),
  )
  if (blocks.dropped + blocks.retained > 0) {
    lines.push(`  of the loaded: ${blocks.dropped} dropped, ${blocks.retained} kept for now`)
  }
  lines.push(...named('dropped', result.dropped))
  if (result.unconfirmed > 0) {
    const waits = `  ${result.unconfirmed} drops wait for a confirmation (--confirm-drops): these blocks are kept`
    lines.push(paint.red(waits))
  }
  lines.push('', ...table(stages.map(s => [s.name, String(s.in), String(s.out), skips(s.skipped)])))
  if (marked.count > 0) {
    const since = marked.oldest === marked.newest ? '' : ` to ${instant(marked.newest ?? 0)}`
    lines.push('', `  marked for deletion: ${marked.count}, at ${instant(marked.oldest ?? 0)}${since}`)
  }
  if (notes.count > 0) {
    lines.push('', paint.yellow(`  something is wrong about ${notes.count} of the blocks that are offered`))
    for (const { block, note } of notes.first) lines.push(visible(`  ${block}  ${note}`))
    const rest = notes.count - new Set(notes.first.map(({ block }) => block)).size
    if (rest > 0) lines.push(`  and ${rest} more`)
  }
  if (failures.length > 0) {
    lines.push('', paint.red('  failed'))
    for (const f of failures) lines.push(visible(`  ${f.block}  ${f.by}: ${f.code}: ${f.message}`))
  }
  if (error) lines.push('', error)
  lines.push('', `  held now: ${blocks.added + blocks.unchanged + blocks.retained}`, '')
  return lines.join('\n')
}

/** Oldest first, as ULIDs sort. */
function named(what: string, ids: readonly BlockId[]): string[] {
  return ids.length === 0 || ids.length > NAMED ? [] : [`  ${what}: ${[...ids].sort().join(', ')}`]
}

function skips(skipped: Readonly<Record<string, number>>): string {
  return Object.entries(skipped)
    .map(([reason, n]) => `${n} ${reason}`)
    .join(', ')
}

function table(rows: readonly (readonly string[])[]): string[] {
  const all = [['stage', 'in', 'out', 'skipped because'], ...rows]
  const widths = [0, 1, 2].map(column => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all.map(([name = '', into = '', out = '', why = '']) =>
    `  ${name.padEnd(widths[0] ?? 0)}  ${into.padStart(widths[1] ?? 0)}  ${out.padStart(widths[2] ?? 0)}  ${why}`.trimEnd(),
  )
}
