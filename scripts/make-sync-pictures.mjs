// Draws the pictures of docs/sync.md, and writes its table, from the simulations of test/plugins/interval.
//   node --conditions=blockgate-source scripts/make-sync-pictures.mjs           writes them
//   node --conditions=blockgate-source scripts/make-sync-pictures.mjs --check   exits with 1 where one is not what it would write

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { adaptive } from '../plugins/interval/adaptive/index.ts'
import { DAY, HOUR, MINUTE, TRACES } from '../test/plugins/interval/arrivals.ts'
import { fixed, quantile, simulate } from '../test/plugins/interval/simulate.ts'
import { chart } from './pictures/interval-chart.mjs'

const ROOT = resolve(import.meta.dirname, '..')
const PAGE = 'docs/sync.md'
const DAYS = 5
/** The days before it are for learning. */
const LEARNT = 2 * DAY
const SEED = 1
const FULL = { full: 11 }
const TAIL = { full: 11, tail: 1 }

const BUDGET = adaptive({ to: '1h', staleness: '150s', requestsPerDay: 1056 })
const FRESH = adaptive({ to: '1h', staleness: '3m' })
const ROWS = [
  ['fixed, 3m', 'all', fixed(3 * MINUTE), FULL],
  ['fixed, 15m', 'all', fixed(15 * MINUTE), FULL],
  ["adaptive, requestsPerDay: 1056, staleness: '150s'", 'all', BUDGET, FULL],
  ["adaptive, staleness: '3m'", 'all', FRESH, FULL],
  ['fixed, 3m', 'new blocks', fixed(3 * MINUTE), TAIL],
  ["adaptive, requestsPerDay: 1056, staleness: '150s'", 'new blocks', BUDGET, TAIL],
  ["adaptive, staleness: '3m'", 'new blocks', FRESH, TAIL],
]

/** Every file by its path, as it must be. */
export function files(root = ROOT) {
  const page = readFileSync(join(root, PAGE), 'utf8')
  const waves = TRACES.waves(SEED, DAYS)
  const bursts = TRACES.bursts(SEED, DAYS)
  const picture = (title, trace, from) =>
    chart({ title, trace, simulated: simulate(trace, FRESH, TAIL, SEED), from, to: from + 6 * HOUR })
  return new Map([
    [PAGE, page.replace(/(<!-- simulations -->\n)[\s\S]*?(\n<!-- end -->)/, (_, begin, end) => begin + table() + end)],
    ['docs/pictures/sync-waves.svg', picture('Waves of uploads every two hours', waves, LEARNT + 11 * HOUR)],
    [
      'docs/pictures/sync-bursts.svg',
      picture('Bursts of ten times the rate at any time', bursts, busiest(bursts) - 3 * HOUR),
    ],
  ])
}

function table() {
  const head = '| bucket | interval | listed | p50 | p99 | requests a day |\n| --- | --- | --- | ---: | ---: | ---: |'
  const rows = Object.values(TRACES).flatMap(make => {
    const trace = make(SEED, DAYS)
    return ROWS.map(([name, listed, interval, costs]) => {
      const simulated = simulate(trace, interval, costs, SEED)
      const waits = simulated.staleness(LEARNT)
      const seconds = q => `${Math.round(quantile(waits, q) / 1000)} s`
      const requests = Math.round(simulated.requestsPerDay(LEARNT)).toLocaleString('en')
      return `| ${trace.name} | \`${name}\` | ${listed} | ${seconds(0.5)} | ${seconds(0.99)} | ${requests} |`
    })
  })
  return [head, ...rows].join('\n')
}

/** When most blocks came within an hour, after the learning. */
function busiest({ blocks }) {
  let best = [LEARNT, 0]
  for (const [i, at] of blocks.entries()) {
    const many = blocks.findIndex((other, j) => j > i && other > at + HOUR) - i
    if (at > LEARNT + 3 * HOUR && at < (DAYS - 1) * DAY && many > best[1]) best = [at, many]
  }
  return best[0]
}

if (import.meta.filename === process.argv[1]) {
  for (const [path, text] of files()) {
    const file = join(ROOT, path)
    if (!process.argv.includes('--check')) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    } else if (readFileSync(file, 'utf8') !== text) {
      console.error(
        `${path} must be what the simulations say: run node --conditions=blockgate-source scripts/make-sync-pictures.mjs`,
      )
      process.exitCode = 1
    }
  }
}
