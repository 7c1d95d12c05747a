/** Prints what the model sees, one line a case: `node test/model/run.ts [--wide]`. Exits 1 at the first story of the protocol itself. */
import { explore } from './bfs.ts'
import { BROKEN } from './broken.ts'
import { FAILURES, PLANNED, PUBLISHED, SLOTS, WIDE } from './clean.ts'
import { protocol } from './protocol.ts'
import type { Variant } from './variants.ts'

const BOUND = 5_000_000

const wide = WIDE.map(config => [JSON.stringify(config), 0, config] as const)
const cases = [...PLANNED, ...FAILURES, ...SLOTS, ...PUBLISHED, ...(process.argv.includes('--wide') ? wide : [])]
let total = 0
for (const [name, , config] of cases) {
  const { states, depth, story } = explore(protocol(config), BOUND)
  total += states
  console.log(`${String(states).padStart(9)} states, depth ${depth}: ${name}`)
  if (!story) continue
  console.log(`  ${story.steps.join('; ')}: ${story.broken}`)
  process.exitCode = 1
}
console.log(`${String(total).padStart(9)} states in ${cases.length} cases`)
for (const [variant, { config }] of Object.entries(BROKEN)) {
  const { story } = explore(protocol({ ...config, variant: variant as Variant }), BOUND)
  console.log(`${variant} (${story?.steps.length}): ${story?.steps.join('; ')}: ${story?.broken}`)
}
