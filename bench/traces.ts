/**
 * What traces cost: CPU of a sync that adds many blocks of a file system, without them and with all of them, by this build and an older one.
 *
 *   npm run bench:traces [-- BLOCKS ROUNDS COMMIT]      default 5000 5 63e2292
 *
 * The four take turns, and the fastest sync of each counts: what others do on the machine only adds. Each sync is a process of its own,
 * and so is the collector. On a tmpfs (TMPDIR=/dev/shm) the disk adds nothing.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBlocks } from './many-blocks.ts'
import { round, tableOf } from './table.ts'

const [blocks = '5000', rounds = '5', commit = '63e2292'] = process.argv.slice(2)
const here = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
const collector = spawn(process.execPath, [join(here, 'bench/traces/collector.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const endpoint = `http://127.0.0.1:${String((await once(collector.stdout, 'data'))[0]).trim()}`
  const bucket = makeBlocks(folder, Number(blocks))
  const builds = { [commit]: checkOut(commit), now: here }
  const rows: Build[] = []
  for (const [name, at] of Object.entries(builds)) rows.push({ name, at, off: [], on: [], spans: 0, bytes: 0 })
  for (let n = 0; n < Number(rounds); n++) {
    for (const build of rows) {
      build.off.push(sync(build.at, bucket))
      build.on.push(sync(build.at, bucket, endpoint))
      Object.assign(build, await (await fetch(endpoint)).json())
    }
  }
  console.log(tableOf(rows.map(rowOf)))
} finally {
  collector.kill()
  rmSync(folder, { recursive: true, force: true })
}

interface Build {
  readonly name: string
  readonly at: string
  /** User seconds of each round. */
  readonly off: number[]
  readonly on: number[]
  spans: number
  bytes: number
}

function rowOf({ name, off, on, spans, bytes }: Build) {
  const [without, traced] = [Math.min(...off), Math.min(...on)]
  return {
    build: name,
    spans,
    'bytes a span': Math.round(bytes / spans),
    'without traces, user s': round(without, 2),
    'with, user s': round(traced, 2),
    ratio: round(traced / without, 3),
    'µs a span': round(((traced - without) / spans) * 1e6, 1),
  }
}

/** The files of a commit, with the packages of this tree and the script that measures. */
function checkOut(ref: string): string {
  const at = join(folder, 'old')
  mkdirSync(at)
  const files = execFileSync('git', ['archive', ref], { cwd: here, maxBuffer: 2 ** 30 })
  execFileSync('tar', ['x', '-C', at], { input: files })
  symlinkSync(join(here, 'node_modules'), join(at, 'node_modules'))
  mkdirSync(join(at, 'bench/traces'), { recursive: true })
  copyFileSync(join(here, 'bench/traces/sync.ts'), join(at, 'bench/traces/sync.ts'))
  return at
}

/** User seconds of one sync into an empty folder. */
function sync(at: string, bucket: string, endpoint?: string): number {
  const data = join(folder, 'data')
  const args = ['--conditions=blockgate-source', join(at, 'bench/traces/sync.ts'), bucket, data]
  const env = { ...process.env, ...(endpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }) }
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
  rmSync(data, { recursive: true, force: true })
  const told = status === 0 ? JSON.parse(stdout) : {}
  if (told.added !== Number(blocks) || told.dropped !== 0) throw new Error(`all must be added: ${stdout}${stderr}`)
  return told.user
}
