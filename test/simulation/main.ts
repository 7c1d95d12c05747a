/**
 * npm run sim -- --seeds 500 [--from 1]             so many histories; a violation prints its story and exits 1
 * npm run sim -- --seeds 1 --from 42 --tell 400     one history, its last 400 lines
 * npm run sim -- --broken all|<name> [--seeds 200]  each broken variant must be caught; exits 1 where one is not
 *
 * npm run sim -- --tales --seeds 500              short histories: what their spans tell must be what happened
 *
 * Each for every ownership plugin, or for one: --plugin ring|redlock|balanced.
 */
import { parseArgs } from 'node:util'
import { brokenFor } from './broken.ts'
import { PLUGINS, placed } from './plugins.ts'
import { simulate, type Verdict } from './simulate.ts'
import { SOUND, type Tested, type Variant } from './world.ts'

const HOUR = 3_600_000
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    tell: { type: 'string' },
    broken: { type: 'string' },
    plugin: { type: 'string', default: 'all' },
    tales: { type: 'boolean', default: false },
  },
})
const from = Number(values.from)

for (const plugin of [...PLUGINS, placed]) {
  if (values.plugin !== 'all' && values.plugin !== plugin.name) continue
  if (values.broken === undefined) await sound(plugin, Number(values.seeds ?? 100))
  else for (const variant of brokenFor(plugin)) await broken(plugin, variant, Number(values.seeds ?? 200))
}

async function sound(plugin: Tested, seeds: number): Promise<void> {
  const sum = { events: 0, lasted: 0, violations: 0 }
  for (let seed = from; seed < from + seeds; seed++) {
    const verdict = await simulate(seed, plugin, SOUND, values.tales ? 'tale' : 'history')
    sum.events += verdict.events
    sum.lasted += verdict.lasted
    if (verdict.violation) sum.violations++
    if (verdict.violation || values.tell !== undefined) tell(verdict, Number(values.tell ?? 60))
    progress(`${plugin.name}: ${seed - from + 1} of ${seeds} seeds`)
  }
  const { events, lasted, violations } = sum
  const hours = (lasted / HOUR).toFixed(1)
  console.log(`${plugin.name}: ${seeds} seeds, ${events} events, ${violations} violations, ${hours} cluster-hours`)
  if (violations > 0) process.exitCode = 1
}

async function broken(plugin: Tested, variant: Variant, seeds: number): Promise<void> {
  if (values.broken !== 'all' && values.broken !== variant.name) return
  const title = `${plugin.name}: ${variant.name}`
  for (let seed = from; seed < from + seeds; seed++) {
    progress(`${title}: ${seed - from + 1} of ${seeds} seeds`)
    const verdict = await simulate(seed, plugin, variant)
    if (!verdict.violation) continue
    console.log(`${title}: caught at seed ${seed}: ${verdict.violation.message}`)
    if (values.tell !== undefined) tell(verdict, Number(values.tell))
    return
  }
  console.log(`${title}: not caught within ${seeds} seeds`)
  process.exitCode = 1
}

function tell(verdict: Verdict, lines: number): void {
  console.log(verdict.story(lines))
  console.log(`${verdict.plugin}, seed ${verdict.seed}: ${verdict.violation?.message ?? 'nothing wrong'}`)
}

function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${text} `)
}
