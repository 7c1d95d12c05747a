// Writes quickstart.ts beside this file: a Worker has no disk to read examples/quickstart/bucket from.
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
  const lines = packed.match(/.{1,110}/g).map(line => `  '${line}',`)
  writeFileSync(
    join(import.meta.dirname, 'quickstart.ts'),
    [
      '// Made by make-quickstart.mjs: the objects of examples/quickstart/bucket, as gzipped JSON.',
      'const PACKED = [',
      ...lines,
      "].join('')",
      '',
      '/** Key → base64; of chunks the size only. */',
      'export async function quickstartObjects(): Promise<Readonly<Record<string, string | number>>> {',
      '  const bytes = Uint8Array.from(atob(PACKED), c => c.charCodeAt(0))',
      "  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))",
      '  return await new Response(stream).json()',
      '}',
      '',
    ].join('\n'),
  )
}
