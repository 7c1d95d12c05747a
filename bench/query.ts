// What queries cost: remote read beside Debian's Prometheus, decoding beside Prometheus' code in Go, memory, and the first answers.
//   npm run bench:query                            all of it; needs Debian's prometheus, and Go for its columns
//   npm run bench:query -- remote-read decode      some of it: needle needs neither
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode } from './query/decode.ts'
import { memory } from './query/memory.ts'
import { needle } from './query/needle.ts'
import { remoteRead } from './query/remote-read.ts'
import { stream } from './query/stream.ts'
import { type Row, tableOf } from './table.ts'

const PARTS: Readonly<Record<string, (root: string) => Promise<readonly Row[]>>> = {
  'remote-read': remoteRead,
  decode,
  stream,
  memory,
  needle,
}

const asked = process.argv.slice(2)
const root = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
try {
  for (const [name, measure] of Object.entries(PARTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    const folder = join(root, name)
    mkdirSync(folder)
    console.log(`\n${name}\n\n${tableOf(await measure(folder))}`)
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
