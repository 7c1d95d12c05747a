// Remote read beside Debian's Prometheus: both serve the same block of 1,000 series, 2 hours, every 15 s, from the disk, each as a
// process of its own. Prints CPU milliseconds an answer (user and system), and their ratio.
//   npm run bench:query
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { request } from '../test/query/requests.ts'
import { openMetrics } from '../test/support/openmetrics.ts'
import { startPrometheus } from '../test/support/prometheus.ts'
import { type Row, round, tableOf } from './table.ts'

const START = 1_700_006_400
const [FROM, TO] = [START * 1000, (START + 7200) * 1000 - 1]
const ROUNDS = 30
/** Linux counts CPU in hundredths of a second. */
const TICK_MS = 10

const root = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
const [text, bucket, data] = ['text', 'bucket', 'prometheus/data'].map(name => join(root, name)) as [
  string,
  string,
  string,
]
writeFileSync(text, openMetrics({ series: 1000, start: START, hours: 2, keepHours: 2, seed: 1 }).join(''))
execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, bucket])
mkdirSync(join(root, 'prometheus'))
cpSync(bucket, data, { recursive: true })
for (const name of readdirSync(bucket)) if (name.length !== 26) rmSync(join(bucket, name), { recursive: true })

const child = spawn(
  process.execPath,
  ['--conditions=blockgate-source', join(import.meta.dirname, 'query-gateway.ts'), root],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const lines = createInterface({ input: child.stdout })
const url = await new Promise<string>(resolve => lines.once('line', resolve))
const prometheus = await startPrometheus(join(root, 'prometheus'))

const cpu = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** CPU ms an answer, after some that warm up. */
async function measured(pid: number, at: string, body: Uint8Array) {
  const ask = async () => {
    const answer = await fetch(`${at}/api/v1/read`, { method: 'POST', body: body as BodyInit })
    return (await answer.arrayBuffer()).byteLength
  }
  let bytes = 0
  for (let i = 0; i < 10; i++) bytes = await ask()
  const before = cpu(pid)
  for (let i = 0; i < ROUNDS; i++) await ask()
  return { ms: (cpu(pid) - before) / ROUNDS, bytes }
}

const rows: Row[] = []
for (const [name, accepted] of [
  ['SAMPLES', []],
  ['STREAMED_XOR_CHUNKS', [1]],
] as const) {
  const body = request([[2, '__name__', '.+']], FROM, TO, accepted)
  const ours = await measured(child.pid ?? 0, url, body)
  const theirs = await measured(prometheus.pid, prometheus.url, body)
  rows.push({
    response: name,
    'blockgate, CPU ms': round(ours.ms, 1),
    'Prometheus, CPU ms': round(theirs.ms, 1),
    'Prometheus ÷ blockgate': round(theirs.ms / ours.ms, 2),
    'bytes of blockgate': ours.bytes,
    'of Prometheus': theirs.bytes,
  })
}
console.log(tableOf(rows))
child.kill()
await prometheus.stop()
rmSync(root, { recursive: true, force: true })
