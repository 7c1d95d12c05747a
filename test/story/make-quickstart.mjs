// Writes quickstart.json beside this file, the objects of examples/quickstart/bucket as gzipped JSON.
//   node test/story/make-quickstart.mjs

import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { gzipSync } from 'node:zlib'

const BUCKET = resolve(import.meta.dirname, '../../examples/quickstart/bucket')

/** Key → base64, in key order. Of chunks, which no stage of the story reads, the size only. */
export function quickstartObjects() {
  const keys = globSync(['*/*.json', '*/index', '*/chunks/*'], { cwd: BUCKET }).map(path => path.split(sep).join('/'))
  return Object.fromEntries(
    keys.sort().map(key => {
      const bytes = readFileSync(join(BUCKET, key))
      return [key, key.includes('/chunks/') ? bytes.length : bytes.toString('base64')]
    }),
  )
}

if (import.meta.main) {
  const packed = gzipSync(JSON.stringify(quickstartObjects()), { level: 9 }).toString('base64')
  writeFileSync(join(import.meta.dirname, 'quickstart.json'), `${JSON.stringify({ packed }, undefined, 2)}\n`)
}
