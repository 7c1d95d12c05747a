// Three gateways share the blocks of one bucket. One is killed, and comes back; one is drained. Watch the blocks move.
// OWNERSHIP=redlock: the same with leases in place of the ring. OWNERSHIP=balanced: with a ring whose shares are even by bytes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayProcess, startRedis } from './processes.ts'

const LIMIT_MS = 60_000
const temp = mkdtempSync(join(tmpdir(), 'blockgate-three-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))

const redis = await startRedis()
const gateways = await Promise.all(['gw-1', 'gw-2', 'gw-3'].map(id => GatewayProcess.make(id, redis, temp)))
const [one, two, three] = gateways as [GatewayProcess, GatewayProcess, GatewayProcess]

/** How many blocks each gateway serves, and which are served by a ready one. */
async function look(): Promise<{
  readonly line: string
  readonly served: ReadonlySet<string>
  readonly sizes: number[]
  readonly away: boolean[]
}> {
  const answers = await Promise.all(gateways.map(gateway => gateway.serving()))
  const served = new Set(answers.flatMap(answer => (answer?.ready ? answer.blocks : [])))
  const cells = answers.map((answer, i) => {
    const what = answer ? `${answer.blocks.length}${answer.ready ? '' : ' not ready'}` : 'away'
    return `${gateways[i]?.id} ${what}`.padEnd(16)
  })
  return {
    line: `${cells.join(' ')} served ${served.size}`,
    served,
    sizes: answers.map(a => a?.blocks.length ?? 0),
    away: answers.map(a => a === undefined),
  }
}

let all: ReadonlySet<string> = new Set()
let last = ''

/** Looks until `done`; prints each change. `gapless`: no block that was served may be missing, at any look. */
async function watch(
  what: string,
  gapless: boolean,
  done: (sizes: number[], away: boolean[]) => boolean,
): Promise<void> {
  console.log(`\n${what}`)
  for (const until = Date.now() + LIMIT_MS; Date.now() < until; await sleep(100)) {
    const { line, served, sizes, away } = await look()
    if (line !== last) console.log(`  ${line}`)
    last = line
    const missing = [...all].filter(id => !served.has(id))
    if (gapless && missing.length > 0) {
      // Asked one after another: a block may have moved between two answers.
      const again = await look()
      const gone = missing.filter(id => !again.served.has(id))
      if (gone.length > 0) throw new Error(`nobody served ${gone.join(', ')}`)
    }
    if (missing.length === 0 && served.size > 0 && done(sizes, away)) {
      all = served
      return
    }
  }
  throw new Error(`it took longer than ${LIMIT_MS} ms`)
}

const sum = (sizes: number[]) => sizes.reduce((a, b) => a + b, 0)
// Of the blocks in the bucket, those that no other one supersedes.
const TOTAL = 10

for (const gateway of gateways) gateway.start()
await watch('three gateways start together', false, sizes => sum(sizes) === TOTAL && sizes.every(n => n > 0))

two.kill('SIGKILL')
await watch('gw-2 is killed: the others load its blocks', false, sizes => sizes[1] === 0 && sum(sizes) === TOTAL)

two.start()
await watch('gw-2 is back: the others let go of what it serves', true, sizes => sizes[1] !== 0 && sum(sizes) === TOTAL)

const drained = three.command('drain', '--wait', '1m')
await watch('gw-3 is drained', true, sizes => sizes[2] === 0 && sum(sizes) === TOTAL)
if ((await drained) !== 0) throw new Error('blockgate drain --wait must end with 0')
three.kill('SIGTERM')
await watch('gw-3 is stopped', true, (sizes, away) => away[2] === true && sum(sizes) === TOTAL)

if ((await one.command('coverage', '--min', '1')) !== 0) throw new Error('blockgate coverage --min 1 must end with 0')
console.log(`\nevery block is served: ${all.size}`)
process.exit(0)
