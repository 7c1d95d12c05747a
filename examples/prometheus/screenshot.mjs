// Makes graph.png again: runs main.ts, and Chromium on the graph that it opens. Not part of CI.
//   node examples/prometheus/screenshot.mjs [file]          needs prometheus and chromium on the PATH

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const file = resolve(process.argv[2] ?? join(import.meta.dirname, 'graph.png'))
const profile = mkdtempSync(join(tmpdir(), 'blockgate-chromium-'))
const example = spawn(process.execPath, ['--conditions=blockgate-source', join(import.meta.dirname, 'main.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const { status, stderr } = spawnSync(
    'chromium',
    [
      '--headless=new',
      // As root it has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      '--window-size=1000,880',
      // The graph is drawn when its data has come.
      '--virtual-time-budget=10000',
      `--screenshot=${file}`,
      await graphUrl(),
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`chromium ended with ${status}: ${stderr}`)
  console.log(file)
} finally {
  example.kill('SIGTERM')
  rmSync(profile, { recursive: true, force: true })
}

async function graphUrl() {
  let printed = ''
  for await (const text of example.stdout) {
    printed += text
    const [, url] = /^open (\S+)\n/m.exec(printed) ?? []
    if (url) return url
  }
  throw new Error(`main.ts must print the URL of a graph: it printed\n${printed}`)
}
