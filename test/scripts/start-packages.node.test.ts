import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const manifest = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
const { dependencies } = manifest('package.json')
const { 'blockgate-node': _, ...start } = manifest('tools/start/package.json').dependencies

it('npm start installs every package that the quickstart imports', async () => {
  const { metafile } = await build({
    entryPoints: [join(ROOT, 'examples/quickstart/main.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    conditions: ['blockgate-source'],
    external: Object.keys(dependencies).flatMap(name => [name, `${name}/*`]),
  })
  const imported = Object.values(metafile.inputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path }) => external && !path.startsWith('node:'))
    .map(({ path }) => path.split('/', path.startsWith('@') ? 2 : 1).join('/'))
  expect(Object.keys(start)).toEqual(expect.arrayContaining([...new Set(imported)]))
})

it('npm start installs the versions of the package', () => {
  expect(dependencies).toMatchObject(start)
})
