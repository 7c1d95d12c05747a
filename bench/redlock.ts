/**
 * What leases cost while nothing happens, beside a ring, and how long slots take to move. On Redis servers of this machine.
 *
 *   npm run bench:redlock [-- --json]        three to four minutes; needs redis-server (scripts/ensure.mjs installs it on Debian)
 *
 * At rest: three members in a process of their own for each row, all rows at once, at the default times. Moves: the one that dies in a
 * process of its own, the others in this one, one row after another, at short times. Figures of a Redis are its own (`INFO`).
 */
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { BOUNDS, type Moves, measureMoves, type Part, type Timed } from './redlock/moves.ts'
import { measureRest, type Rest } from './redlock/rest.ts'
import { screenOn } from './redlock/screen.ts'
import type { Usage } from './redlock/usage.ts'
import { type Row, round, tableOf } from './table.ts'

const MOVES = [1, 3].flatMap(servers => [256, 4_096].map(slots => [servers, slots] as const))
const RESTS = [[0, 0] as const, ...MOVES]
/** Of the default TTL. */
const THIRD_S = 10

const { values: args, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [servers, slots] = positionals.map(Number)
if (servers !== undefined && slots !== undefined) console.log(JSON.stringify(await measureRest(servers, slots)))
else await measure()

async function measure(): Promise<void> {
  const screen = screenOn(process.stderr)
  screen.status('at rest')
  const rest = await Promise.all(RESTS.map(each => inProcess(...each)))
  const moves: Moves[] = []
  for (const [servers, slots] of MOVES) {
    const status = (text: string) => screen.status(`${slots} slots, ${servers} lock servers: ${text}`)
    moves.push(await measureMoves(servers, slots, status))
  }
  screen.status('')
  if (args.json) console.log(JSON.stringify({ rest, bounds: BOUNDS, moves }, undefined, 2))
  else for (const rows of [rest.map(restRow), moves.map(timeRow), moves.map(costRow)]) console.log(`${tableOf(rows)}\n`)
}

async function inProcess(servers: number, slots: number): Promise<Rest> {
  const own = [...process.execArgv, import.meta.filename, `${servers}`, `${slots}`]
  const { stdout } = await promisify(execFile)(process.execPath, own)
  return JSON.parse(stdout)
}

function restRow({ servers, slots, seconds, store, locks, cpuMs }: Rest): Row {
  const locked = (of: (usage: Usage) => number) => locks.reduce((sum, usage) => sum + of(usage), 0) / (servers || 1)
  const renewals = locked(usage => usage.requests)
  const percent = (ms: number) => round(ms / seconds / 10, 2)
  return {
    ownership: servers === 0 ? 'ring' : 'redlock',
    'lock servers': servers,
    slots,
    'requests/s to the store': round(store.requests / seconds, 1),
    'renewals/s': round(renewals / seconds, 1),
    'renewals of a slot in a third of the TTL': round((renewals / (slots || 1) / seconds) * THIRD_S, 2),
    'reads of a lock server in it': round((locked(usage => usage.reads) / seconds) * THIRD_S, 1),
    'renewals a read': round(renewals / (locked(usage => usage.reads) || 1), 1),
    'CPU of a lock server %': percent(locked(usage => usage.cpuMs)),
    'CPU of the store %': percent(store.cpuMs),
    'CPU of three members %': percent(cpuMs),
  }
}

function timeRow({ servers, slots, coldStart, join, death }: Moves): Row {
  return {
    'lock servers': servers,
    slots,
    'cold start': secondsOf(coldStart),
    'shares even after a join': secondsOf(join),
    'moved for it': join?.moved ?? '',
    'recorded anew': join?.recorded ?? '',
    'share of the one that joins': join?.share ?? '',
    'slots of the one that dies': death?.slots ?? '',
    'others stand in, by the bound': secondsOf(death?.failoverOwner, BOUNDS.failoverMs),
    'others are recorded, by the bound': secondsOf(death?.recorded, BOUNDS.recordedMs),
  }
}

function secondsOf(timed: Timed | undefined, bound?: number): string {
  if (!timed) return ''
  const ratio = bound === undefined ? '' : `, ${round(timed.ms / bound, 2)}`
  return `${timed.done ? '' : 'not in '}${round(timed.ms / 1000, 1)} s${ratio}`
}

function costRow({ servers, slots, coldStart, join }: Moves): Row {
  return { 'lock servers': servers, slots, ...costs('cold start', coldStart), ...costs('join', join) }
}

/** By the slots that were recorded for somebody else than before. */
function costs(of: string, part: Part | undefined): Row {
  const each = (sum: number | undefined, digits: number) => (part?.moved && sum ? round(sum / part.moved, digits) : '')
  return {
    [`${of}: requests to the store a slot`]: each(part?.store.requests, 1),
    [`${of}: kB from it a slot`]: each((part?.store.bytesOut ?? 0) / 1000, 1),
    [`${of}: ms of CPU of a member a slot`]: each(part?.cpuMs, 2),
  }
}
