/**
 * npm run sim -- --seeds 500 [--from 1]             so many histories; a violation prints its story and exits 1
 * npm run sim -- --seeds 1 --from 42 --tell 400     one history, its last 400 lines
 * npm run sim -- --broken all|<name> [--seeds 200]  each broken variant must be caught; exits 1 where one is not
 */
import { parseArgs } from 'node:util'
import { BROKEN } from './broken.ts'
import { simulate, type Verdict } from './simulate.ts'

const HOUR = 3_600_000
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    tell: { type: 'string' },
    broken: { type: 'string' },
  },
})
const from = Number(values.from)

if (values.broken === undefined) await sound(Number(values.seeds ?? 100))
else await broken(values.broken, Number(values.seeds ?? 200))

async function sound(seeds: number): Promise<void> {
  const sum = { events: 0, lasted: 0, violations: 0 }
  for (let seed = from; seed < from + seeds; seed++) {
    const verdict = await simulate(seed)
    sum.events += verdict.events
    sum.lasted += verdict.lasted
    if (verdict.violation) sum.violations++
    if (verdict.violation || values.tell !== undefined) tell(verdict, Number(values.tell ?? 60))
    progress(`${seed - from + 1} of ${seeds} seeds`)
  }
  const { events, lasted, violations } = sum
  console.log(`${seeds} seeds, ${events} events, ${violations} violations, ${(lasted / HOUR).toFixed(1)} cluster-hours`)
  if (violations > 0) process.exitCode = 1
}

async function broken(name: string, seeds: number): Promise<void> {
  for (const variant of BROKEN) {
    if (name !== 'all' && name !== variant.name) continue
    let caught: Verdict | undefined
    for (let seed = from; seed < from + seeds && !caught; seed++) {
      const verdict = await simulate(seed, variant)
      if (verdict.violation) caught = verdict
      progress(`${variant.name}: ${seed - from + 1} of ${seeds} seeds`)
    }
    console.log(
      caught
        ? `${variant.name}: caught at seed ${caught.seed}: ${caught.violation?.message}`
        : `${variant.name}: not caught within ${seeds} seeds`,
    )
    if (caught && values.tell !== undefined) tell(caught, Number(values.tell))
    if (!caught) process.exitCode = 1
  }
}

function tell(verdict: Verdict, lines: number): void {
  console.log(verdict.story(lines))
  console.log(`seed ${verdict.seed}: ${verdict.violation?.message ?? 'nothing wrong'}`)
}

function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${text} `)
}
