/**
 * npm run sim -- --seeds 500 [--from 1]            so many histories; a violation prints its story and exits 1
 * npm run sim -- --seed 42 [--lines 400]           one history, told
 * npm run sim -- --broken all|<name> [--seeds 200] each broken variant must be caught
 */
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    lines: { type: 'string', default: '60' },
    broken: { type: 'string' },
  },
})

let events = 0
let lasted = 0
let violations = 0
const from = Number(values.seed ?? values.from)
const seeds = values.seed === undefined ? Number(values.seeds) : 1
for (let seed = from; seed < from + seeds; seed++) {
  const verdict = await simulate(seed)
  events += verdict.events
  lasted += verdict.lasted
  if (verdict.violation || values.seed !== undefined) console.log(verdict.story(Number(values.lines)))
  if (verdict.violation) {
    violations++
    console.log(`seed ${seed}: ${verdict.violation.message}`)
  }
  if (process.stdout.isTTY) process.stdout.write(`\r${seed - from + 1} of ${seeds} seeds`)
}
console.log(`${seeds} seeds, ${events} events, ${violations} violations, ${(lasted / 3_600_000).toFixed(1)} cluster-hours`)
process.exitCode = violations > 0 ? 1 : 0
