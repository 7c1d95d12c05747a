/**
 * The cases of test/fuzz/fuzz.node.test.ts, as many as are asked for.
 *
 *   npm run fuzz                        1,000,000 cases
 *   npm run fuzz -- --minutes 20        as many as end in that time
 *   npm run fuzz -- --from 5000         from this case on
 *   npm run fuzz -- --only 4711         this case
 *
 * Exits with 1 at the first case that breaks a rule, which it names.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { snappy } from '../../src/runtime/snappy.ts'
import { watchAllocations } from './allocations.ts'
import { runCase, Seen } from './cases.ts'
import { targets } from './targets.ts'
import { worlds } from './worlds.ts'

/** CPU time: what else runs on the machine is not counted. */
const MAX_CPU_MS = 1_000

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '0' },
    only: { type: 'string' },
    minutes: { type: 'string', default: String(24 * 60) },
  },
})
const from = Number(values.only ?? values.from)
const end = values.only === undefined ? from + Number(values.cases) : from + 1
const deadline = Date.now() + 60_000 * Number(values.minutes)
const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

const all = targets(await worlds(20, 1), snappy)
using allocations = watchAllocations()
const seen = new Seen()
const slowest = { cpu: 0, number: from }
let largest = 0
let rss = 0
let number = from
for (; number < end && Date.now() < deadline; number++) {
  const before = cpuMs()
  seen.add(await runCase(all, number, allocations))
  const cpu = cpuMs() - before
  if (cpu > slowest.cpu) Object.assign(slowest, { cpu, number })
  if (cpu > MAX_CPU_MS) throw new Error(`case ${number} must end within ${MAX_CPU_MS} ms of CPU time: it took ${cpu}`)
  largest = Math.max(largest, allocations.bytes)
  // What weak references hold is free only once the event loop has turned.
  if (number % 100 === 0) await new Promise(setImmediate)
  if (number % 10_000 === 0) {
    rss = Math.max(rss, process.memoryUsage.rss())
    console.error(`${number - from} cases`)
  }
}
console.log(`${number - from} cases on one of ${availableParallelism()} cores: none broke a rule`)
console.log(`slowest: case ${slowest.number}, ${Math.round(slowest.cpu)} ms of CPU time`)
console.log(`most bytes in buffers of one case: ${largest}; largest RSS: ${Math.round(rss / 2 ** 20)} MiB`)
console.log(seen.lines().join('\n'))
