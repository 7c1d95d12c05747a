/** What a person reads of a run: a live line on a terminal, plain lines elsewhere, and a summary at the end. */
import type { Gateway } from '../gateway.ts'
import type { Host } from '../host.ts'
import type { RunProgress, RunResult } from '../run.ts'

/** The part of process.stderr that is needed. */
export interface Output {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

export interface TerminalOptions {
  readonly output: Output
  readonly host: Host
  /** `NO_COLOR`, when set and not empty, turns colours off. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How often the live line is drawn, and a plain line printed, in ms. */
const LIVE_MS = 100
const PLAIN_MS = 5_000

/** Shows the run that goes on, until disposed. On a terminal one line is drawn again and again; elsewhere lines follow. */
export function showProgress(gateway: Gateway, { output, host }: TerminalOptions): Disposable {
  const live = output.isTTY === true
  const started = host.monotonic()
  let timer: Disposable | undefined
  const tick = () => {
    const { progress } = gateway
    if (progress) {
      const line = progressLine(progress, host.monotonic() - started)
      output.write(live ? `\r\x1b[2K${line.slice(0, (output.columns ?? 80) - 1)}` : `${line}\n`)
    }
    timer = host.setTimer(live ? LIVE_MS : PLAIN_MS, tick)
  }
  timer = host.setTimer(live ? LIVE_MS : PLAIN_MS, tick)
  return {
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]()
      if (live) output.write('\r\x1b[2K')
    },
  }
}

/** `startup: 1200 of 5000 blocks, 32 in flight, 12 s, about 38 s left`. While the bucket is being listed, no total is known. */
export function progressLine({ reason, seen, listing, done, inFlight }: RunProgress, elapsedMs: number): string {
  const total = listing ? `${seen} so far` : `${seen} blocks`
  const parts = [`${reason}: ${done} of ${total}`, `${inFlight} in flight`, seconds(elapsedMs)]
  if (!listing && done > 0 && done < seen) parts.push(`about ${seconds((elapsedMs / done) * (seen - done))} left`)
  return parts.join(', ')
}

/** What was added, what was skipped by which stage and why, and what failed. */
export function summaryText(result: RunResult, options: Pick<TerminalOptions, 'output' | 'env'>): string {
  const paint = painter(options)
  const { run, stages, blocks, failures } = result.summary
  const held = blocks.added + blocks.unchanged
  const lines = [
    `${paint.bold(`${run.reason} run ${result.status}`)} in ${seconds(run.durationMs)}${run.complete ? '' : paint.red(', the view was incomplete')}`,
    '',
    `  ${blocks.seen} blocks seen: ${paint.green(`${blocks.added} added`)}, ${blocks.unchanged} unchanged, ${paint.yellow(`${blocks.skipped} skipped`)}, ${blocks.failed > 0 ? paint.red(`${blocks.failed} failed`) : '0 failed'}`,
  ]
  if (blocks.dropped + blocks.retained > 0)
    lines.push(`  of the loaded: ${blocks.dropped} dropped, ${blocks.retained} kept for now`)
  if (result.unconfirmed > 0)
    lines.push(paint.red(`  ${result.unconfirmed} drops wait for a confirmation: nothing was dropped`))
  lines.push('', ...table(stages.map(s => [s.name, String(s.in), String(s.out), skips(s.skipped)])))
  if (failures.length > 0) {
    lines.push('', paint.red('  failed'))
    for (const f of failures) lines.push(`  ${f.block}  ${f.by}: ${f.code}: ${f.message}`)
  }
  if (result.error) lines.push('', paint.red(`  ${result.error.at ?? 'run'}: ${result.error.message}`))
  lines.push('', `  held now: ${held}`, '')
  return lines.join('\n')
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

function seconds(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}

type Paint = (text: string) => string

function painter({
  output,
  env,
}: Pick<TerminalOptions, 'output' | 'env'>): Readonly<Record<'bold' | 'red' | 'green' | 'yellow', Paint>> {
  const on = output.isTTY === true && !env.NO_COLOR
  const code =
    (open: number, close: number): Paint =>
    text =>
      on ? `\x1b[${open}m${text}\x1b[${close}m` : text
  return { bold: code(1, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39) }
}
