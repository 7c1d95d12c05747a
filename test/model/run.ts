/** Prints what the model sees, one line a case: `node test/model/run.ts [--wide]`. Exits 1 at the first story of the protocol itself. */
import { explore } from './bfs.ts'
import { BROKEN } from './broken.ts'
import { BROKEN_SLOTS } from './broken-slots.ts'
import { FAILURES, PLANNED, WIDE } from './clean.ts'
import { SLOTS, WIDE_SLOTS } from './clean-slots.ts'
import { protocol } from './protocol.ts'

const BOUND = 5_000_000

const cases = [...PLANNED, ...FAILURES, ...SLOTS, ...(process.argv.includes('--wide') ? [...WIDE, ...WIDE_SLOTS] : [])]
let total = 0
for (const { name, config } of cases) {
  const { states, depth, story } = explore(protocol(config), BOUND)
  total += states
  console.log(`${String(states).padStart(9)} states, depth ${depth}: ${name}`)
  if (!story) continue
  console.log(`  ${story.steps.join('; ')}: ${story.broken}`)
  process.exitCode = 1
}
console.log(`${String(total).padStart(9)} states in ${cases.length} cases`)
for (const { variant, config } of [...BROKEN, ...BROKEN_SLOTS]) {
  const { story } = explore(protocol({ ...config, variant }), BOUND)
  console.log(`${variant} (${story?.steps.length}): ${story?.steps.join('; ')}: ${story?.broken}`)
}
