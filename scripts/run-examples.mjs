// Runs every example in each way that its README names, and looks for the lines of its expected.txt in what it prints. One
// that goes on until it is told to stop says so last; it is told, and must then end well.
//   node scripts/run-examples.mjs

import { spawn } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const LIMIT_MS = 120_000

/** Of an example that goes on: it has printed everything. */
const GOES_ON = 'Ctrl-C ends it'

/** The environments that an example is run with, one after another; the others are run once, with none of their own. */
const WAYS = new Map([
  ['examples/three-gateways/main.ts', ['ring', 'redlock', 'balanced'].map(OWNERSHIP => ({ OWNERSHIP }))],
])

const examples = globSync('examples/*/main.ts', { cwd: ROOT }).sort()
for (const example of examples) {
  for (const env of WAYS.get(example) ?? [{}]) {
    const problem = await run(example, env)
    const name = [...Object.entries(env).map(pair => pair.join('=')), dirname(example)].join(' ')
    console.log(`example: ${name}: ${problem === undefined ? 'ok' : `failed\n${problem}`}`)
    if (problem !== undefined) process.exitCode = 1
  }
}
for (const example of WAYS.keys()) if (!examples.includes(example)) throw new Error(`${example} must exist`)
if (examples.length === 0) throw new Error('there must be examples/*/main.ts: there is none')

/** What is wrong, or undefined. Each example gets a temp folder of its own for what it writes to TMPDIR. */
async function run(example, env) {
  const list = join(ROOT, dirname(example), 'expected.txt')
  if (!existsSync(list)) return `${dirname(example)}/expected.txt must name lines that it prints`
  const expected = readFileSync(list, 'utf8').split('\n')
  const temp = mkdtempSync(join(tmpdir(), 'blockgate-example-'))
  try {
    const { code, signal, printed } = await toItsEnd(example, { ...env, TMPDIR: temp })
    if (code !== 0) return `it must exit with 0: it ended with ${signal ?? code}\n${printed}`
    const left = readdirSync(temp)
    if (left.length > 0) return `it must leave nothing in TMPDIR: it left ${left.join(', ')}`
    const missing = expected.filter(line => !printed.includes(line))
    return missing.length > 0 ? `it must print\n${missing.join('\n')}\nit prints\n${printed}` : undefined
  } finally {
    rmSync(temp, { recursive: true, force: true })
  }
}

function toItsEnd(example, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=blockgate-source', example], {
      cwd: ROOT,
      // Examples of one machine must not meet at one port.
      env: { ...process.env, HTTP: '127.0.0.1:0', ...env },
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
