/** Remote read beside Debian's Prometheus: both serve the same block of 1,000 series, 2 hours, every 15 s, from the disk. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { request } from '../../test/query/requests.ts'
import { openMetrics } from '../../test/support/openmetrics.ts'
import { startPrometheus } from '../../test/support/prometheus.ts'
import { type Row, round } from '../table.ts'
import { cpuOf, startScript } from './processes.ts'

const START = 1_700_006_400
const [FROM, TO] = [START * 1000, (START + 7200) * 1000 - 1]
/** Rounds take turns, so that what others do on the machine falls on both. */
const ROUNDS = 6
const ANSWERS = 25
const CONNECTIONS = 4
/** Both are warm then: V8 has compiled what is hot. */
const WARM_UP = 100

interface Server {
  readonly url: string
  readonly pid: number
}

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

/** Bytes of the answer. */
function ask({ url }: Server, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(`${url}/api/v1/read`, { method: 'POST', agent }, answer => {
      let bytes = 0
      answer.on('data', (part: Buffer) => {
        bytes += part.length
      })
      answer.once('end', () => resolve(answer.statusCode === 200 ? bytes : -1))
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

async function measured(server: Server, body: Uint8Array, connections: number) {
  const [cpu, since] = [cpuOf(server.pid), performance.now()]
  const each = Math.ceil(ANSWERS / connections)
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let i = 0; i < each; i++) await ask(server, body)
    }),
  )
  const answers = each * connections
  return { cpu: (cpuOf(server.pid) - cpu) / answers, perSecond: (answers * 1000) / (performance.now() - since) }
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number

/** @param root a folder that goes afterwards */
export async function remoteRead(root: string): Promise<readonly Row[]> {
  const [text, bucket] = [join(root, 'text'), join(root, 'bucket')]
  writeFileSync(text, openMetrics({ series: 1000, start: START, hours: 2, keepHours: 2, seed: 1 }).join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, bucket])
  mkdirSync(join(root, 'prometheus'))
  cpSync(bucket, join(root, 'prometheus/data'), { recursive: true })
  for (const name of readdirSync(bucket)) if (name.length !== 26) rmSync(join(bucket, name), { recursive: true })
  const ours = await startScript('gateway.ts', [root])
  const theirs = await startPrometheus(join(root, 'prometheus'))
  const rows: Row[] = []
  for (const [name, accepted] of [
    ['SAMPLES', []],
    ['STREAMED_XOR_CHUNKS', [1]],
  ] as const) {
    const body = request([[2, '__name__', '.+']], FROM, TO, accepted)
    const bytes: number[] = []
    for (const server of [ours, theirs]) {
      for (let i = 0; i < WARM_UP; i++) await ask(server, body)
      bytes.push(await ask(server, body))
    }
    for (const connections of [1, CONNECTIONS]) {
      const rounds: { ours: Awaited<ReturnType<typeof measured>>; theirs: Awaited<ReturnType<typeof measured>> }[] = []
      for (let i = 0; i < ROUNDS; i++)
        rounds.push({
          ours: await measured(ours, body, connections),
          theirs: await measured(theirs, body, connections),
        })
      rows.push({
        response: name,
        'at once': connections,
        'blockgate, CPU ms': round(median(rounds.map(each => each.ours.cpu)), 1),
        'Prometheus, CPU ms': round(median(rounds.map(each => each.theirs.cpu)), 1),
        'Prometheus ÷ blockgate': round(median(rounds.map(each => each.theirs.cpu / each.ours.cpu)), 2),
        'answers/s, blockgate ÷ Prometheus': round(
          median(rounds.map(each => each.ours.perSecond / each.theirs.perSecond)),
          2,
        ),
        'same bytes': bytes[0] === bytes[1] ? 'yes' : `${bytes[0]}, ${bytes[1]}`,
      })
    }
  }
  agent.destroy()
  await ours.stop()
  await theirs.stop()
  return rows
}
