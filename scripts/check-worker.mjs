// examples/worker as it would be deployed: wrangler bundles it without a network, and it stays small.
//   node scripts/check-worker.mjs

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { run } from './package/run.mjs'
import { WRANGLER_ENV } from './wrangler-env.mjs'

const ROOT = resolve(import.meta.dirname, '..')

/** What Cloudflare compiles at the start of an isolate; its own limits are 3 MB (free) and 10 MB, gzipped. */
const LIMIT = 175_000

const folder = mkdtempSync(join(tmpdir(), 'blockgate-worker-'))
try {
  const printed = run(join(ROOT, 'node_modules/.bin/wrangler'), ['deploy', '--dry-run', `--outdir=${folder}`], {
    cwd: ROOT,
    env: { ...WRANGLER_ENV, NO_COLOR: '1' },
  })
  if (/wasn't found|WARNING/.test(printed)) throw new Error(printed)
  const script = readFileSync(join(folder, 'worker.js'))
  const gzipped = gzipSync(script, { level: 9 }).length
  const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`
  console.log(`worker: ${kB(script.length)}, ${kB(gzipped)} gzip of ${kB(LIMIT)}`)
  if (gzipped > LIMIT) throw new Error(`the worker must have <= ${kB(LIMIT)} gzipped: it has ${kB(gzipped)}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
