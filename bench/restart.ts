/**
 * A warm restart: a gateway with index-headers whose disk has them all, from the begin of its process until it is ready and answers.
 *
 *   npm run bench:restart [-- ANOTHER_CHECKOUT [BLOCKS [ROUNDS]]]        default: this one alone, 5000 blocks, 5 rounds
 *
 * Where another checkout is given, with its node_modules, the two take turns, and the ratios are told. The bucket is a folder: a store over
 * a network adds its listing, and nothing else, for no meta and no index is read. CPU and memory are the kernel's figures of the process.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from '../test/query/requests.ts'
import { makeBlocks } from './many-blocks.ts'
import { cpuOf, memoryOf, startScript } from './query/processes.ts'
import { round } from './table.ts'

const [other, count = '5000', rounds = '5'] = process.argv.slice(2)
const HERE = join(import.meta.dirname, '..')
const builds = [HERE, ...(other === undefined ? [] : [other])]
/** Milliseconds between two questions. */
const ASK_MS = 5

interface Measured {
  readonly ready: number
  readonly answer: number
  readonly cpu: number
  readonly peak: number
}

const root = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
try {
  const bucket = makeBlocks(root, Number(count))
  const newest = readdirSync(bucket).sort().at(-1) as string
  const { maxTime } = JSON.parse(readFileSync(join(bucket, newest, 'meta.json'), 'utf8'))
  const body = request([[2, '__name__', '.+']], maxTime - 60_000, maxTime - 1, [1])
  const dir = (build: number) => join(root, `dir-${build}`)
  const measured: Measured[][] = builds.map(() => [])
  for (let turn = 0; turn <= Number(rounds); turn++) {
    for (const [build, folder] of builds.entries()) {
      // As `blockgate run` of this build begins.
      const flags = build === 0 ? ['--max-semi-space-size=8'] : []
      const one = await start(folder, [bucket, dir(build)], flags, body)
      // The first one fills the disk; an empty disk is asked, too.
      if (turn > 0) measured[build]?.push(one)
      console.log(
        `${turn === 0 ? 'an empty disk' : `round ${turn}`}, ${build === 0 ? 'this build' : 'the other'}: ${JSON.stringify(one)}`,
      )
    }
  }
  for (const what of ['ready', 'answer', 'cpu', 'peak'] as const) {
    const [mine = 0, its] = measured.map(list => median(list.map(each => each[what])))
    console.log(
      `${what.padEnd(7)} ${round(mine, 0)}${its === undefined ? '' : `, the other ${round(its, 0)}: ${round(mine / its, 2)}`}`,
    )
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}

/** Times and CPU in ms since the process began, the peak in MiB. Ends the process by SIGTERM, at which it stops the gateway. */
async function start(
  folder: string,
  args: readonly string[],
  flags: readonly string[],
  body: Uint8Array,
): Promise<Measured> {
  const began = performance.now()
  const served = await startScript(join(folder, 'bench/query/headers-gateway.ts'), args, flags)
  let answer = 0
  let ready = 0
  while (ready === 0 || answer === 0) {
    await new Promise(resolve => setTimeout(resolve, ASK_MS))
    if (answer === 0 && (await isAnswered(served.url, body))) answer = performance.now() - began
    if (ready === 0 && (await fetch(`${served.url}/-/ready`)).ok) ready = performance.now() - began
  }
  const [cpu, peak] = [cpuOf(served.pid), memoryOf(served.pid, 'VmHWM') / 2 ** 20]
  await served.stop()
  return { ready: Math.round(ready), answer: Math.round(answer), cpu, peak: Math.round(peak) }
}

async function isAnswered(url: string, body: Uint8Array): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/read`, { method: 'POST', body: body as BodyInit })
  const { byteLength } = await response.arrayBuffer()
  return response.ok && byteLength > 0
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
