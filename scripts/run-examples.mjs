// Runs every example the way its README says, and looks for the lines of its expected.txt in what it prints. One that
// goes on until it is told to stop says so last; it is told, and must then end well.
//   node scripts/run-examples.mjs

import { spawn } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const LIMIT_MS = 120_000

/** Of an example that goes on: it has printed everything. */
const GOES_ON = 'Ctrl-C ends it'

const examples = globSync('examples/*/main.ts', { cwd: ROOT }).sort()
for (const example of examples) {
  const problem = await run(example)
  console.log(`example: ${dirname(example)}: ${problem === undefined ? 'ok' : `failed\n${problem}`}`)
  if (problem !== undefined) process.exitCode = 1
}
if (examples.length === 0) throw new Error('there must be examples/*/main.ts: there is none')

/** What is wrong, or undefined. Each example gets a temp folder of its own for what it writes to TMPDIR. */
async function run(example) {
  const list = join(ROOT, dirname(example), 'expected.txt')
  if (!existsSync(list)) return `${dirname(example)}/expected.txt must name lines that it prints`
  const expected = readFileSync(list, 'utf8').split('\n')
  const temp = mkdtempSync(join(tmpdir(), 'blockgate-example-'))
  try {
    const { code, signal, printed } = await toItsEnd(example, temp)
    if (code !== 0) return `it must exit with 0: it ended with ${signal ?? code}\n${printed}`
    const missing = expected.filter(line => !printed.includes(line))
    return missing.length > 0 ? `it must print\n${missing.join('\n')}\nit prints\n${printed}` : undefined
  } finally {
    rmSync(temp, { recursive: true, force: true })
  }
}

function toItsEnd(example, temp) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=blockgate-source', example], {
      cwd: ROOT,
      // Examples of one machine must not meet at one port.
      env: { ...process.env, TMPDIR: temp, HTTP: '127.0.0.1:0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    let printed = ''
    let told = false
    const look = text => {
      printed += text
      if (told || !printed.includes(GOES_ON)) return
      told = true
      child.kill('SIGTERM')
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', look)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      resolve({ code, signal, printed })
    })
  })
}
