// examples/worker on this machine, offline: a local R2 with the quickstart's blocks, and a cron that fires. Ctrl-C ends it.
//   npm run dev:worker [-- --port=8787 --persist-to=.wrangler/state --var=NAME:text]

import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { WRANGLER_ENV } from './wrangler-env.mjs'

const ROOT = resolve(import.meta.dirname, '..')
const BUCKET = join(ROOT, 'examples/quickstart/bucket')
const CONFIG = join(ROOT, 'wrangler.toml')
/** A deployed Worker has the crons of wrangler.toml; wrangler dev fires none. */
const CRON_MS = 3 * 60_000

const {
  port,
  'persist-to': folder,
  var: variables,
} = parseArgs({
  options: {
    var: { type: 'string', multiple: true, default: [] },
    port: { type: 'string', default: '8787' },
    'persist-to': { type: 'string', default: join(ROOT, '.wrangler/state') },
  },
}).values
const address = `http://127.0.0.1:${port}`

Object.assign(process.env, WRANGLER_ENV)
await seed()
const server = spawn(
  process.execPath,
  [
    join(ROOT, 'node_modules/wrangler/wrangler-dist/cli.js'),
    ...['dev', `--config=${CONFIG}`, '--local', '--ip=127.0.0.1', `--port=${port}`, `--persist-to=${folder}`],
    ...['--inspector-port=0', '--show-interactive-dev-session=false', ...variables.map(pair => `--var=${pair}`)],
  ],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
)
let stopping = false
let over = false
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping = true
    server.kill()
  })
}
const { promise: ended, resolve: end } = Promise.withResolvers()
server.on('exit', code => {
  over = true
  end(code ?? 1)
})

let crons
if (await answers()) {
  await cron()
  console.log(`\n  the blocks  ${address}/\n  Ctrl-C ends it\n`)
  crons = setInterval(cron, CRON_MS)
}
const code = await ended
clearInterval(crons)
process.exitCode = stopping ? 0 : code

/** The quickstart's objects, into the R2 that wrangler dev reads from: its files lie in `v3` of the folder. */
async function seed() {
  const { getPlatformProxy } = await import('wrangler')
  const { env, dispose } = await getPlatformProxy({ configPath: CONFIG, persist: { path: join(folder, 'v3') } })
  try {
    const paths = globSync('**', { cwd: BUCKET, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
    for (const path of paths) {
      await env.BLOCKS.put(path.slice(BUCKET.length + 1).replaceAll(sep, '/'), readFileSync(path))
    }
    console.log(`  ${paths.length} objects are in the local R2`)
  } finally {
    await dispose()
  }
}

/** True as soon as the server answers; false where it ended. */
async function answers() {
  while (!over) {
    try {
      await fetch(address)
      return true
    } catch (error) {
      if (error.cause?.code !== 'ECONNREFUSED') throw error
      await new Promise(later => setTimeout(later, 100))
    }
  }
  return false
}

async function cron() {
  try {
    const answer = await fetch(`${address}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent('*/3 * * * *')}`)
    if (!answer.ok) console.error(`  the cron failed with ${answer.status}`)
  } catch (error) {
    if (!stopping) throw error
  }
}
