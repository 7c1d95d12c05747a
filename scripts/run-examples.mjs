// Runs every example the way its README says, and looks for the lines of its expected.txt in what it prints.
//   node scripts/run-examples.mjs

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const LIMIT_MS = 120_000

const examples = globSync('examples/*/main.ts', { cwd: ROOT }).sort()
for (const example of examples) {
  const problem = run(example)
  console.log(`example: ${dirname(example)}: ${problem === undefined ? 'ok' : `failed\n${problem}`}`)
  if (problem !== undefined) process.exitCode = 1
}
if (examples.length === 0) throw new Error('there must be examples/*/main.ts: there is none')

/** What is wrong, or undefined. Each example gets a temp folder of its own for what it writes to TMPDIR. */
function run(example) {
  const temp = mkdtempSync(join(tmpdir(), 'blockgate-example-'))
  try {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--conditions=blockgate-source', example], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: temp },
      encoding: 'utf8',
      timeout: LIMIT_MS,
    })
    if (status !== 0) return `it must exit with 0: it ended with ${signal ?? status}\n${stdout}${stderr}`
    const list = join(dirname(example), 'expected.txt')
    if (!existsSync(join(ROOT, list))) return `${list} must name lines that it prints; it prints\n${stdout}${stderr}`
    const expected = readFileSync(join(ROOT, list), 'utf8')
    const missing = expected.split('\n').filter(line => !stdout.includes(line))
    if (missing.length > 0) return `it must print\n${missing.join('\n')}\nit prints\n${stdout}${stderr}`
    return undefined
  } finally {
    rmSync(temp, { recursive: true, force: true })
  }
}
