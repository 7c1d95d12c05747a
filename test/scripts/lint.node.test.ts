import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const REPOSITORY = resolve(import.meta.dirname, '../..')
const BIOME = join(REPOSITORY, 'node_modules/.bin/biome')

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'blockgate-lint-'))
  const config = JSON.parse(await readFile(join(REPOSITORY, 'biome.json'), 'utf8'))
  // The temp tree is no checkout, and its snippets are there to break one rule each, not to be tidy.
  await write('biome.json', JSON.stringify({ ...config, vcs: { enabled: false }, assist: { enabled: false } }))
  await cp(join(REPOSITORY, 'scripts/lint'), join(root, 'scripts/lint'), { recursive: true })
})

afterEach(() => rm(root, { recursive: true, force: true }))

describe('lint of a plugin', () => {
  it.each([
    ['the engine by relative path', "export { skip } from '../../../src/stage.ts'", "Import from 'blockgate' instead"],
    ['types of the engine', "export type { Skip } from '../../../src/stage.ts'", "Import from 'blockgate' instead"],
    ['the engine through the package', "export * from 'blockgate/src/stage.ts'", "Import from 'blockgate' instead"],
    ['node:', "export { join } from 'node:path'", 'services.files'],
    ['types of node:', "export type { Server } from 'node:http'", 'services.files'],
    ['node: lazily', "export const path = () => import('node:path')", 'services.files'],
    ['a Node module without its prefix', "import path from 'fs'\nexport const p = path", 'node: protocol'],
  ])('refuses to import %s', async (_, code, advice) => {
    expect(await lint('plugins/filter/x/index.ts', code)).toContain(advice)
  })

  it('lets plugins/bucket/fs import node:, but not the engine', async () => {
    expect(await lint('plugins/bucket/fs/index.ts', "export { join } from 'node:path'")).toBe('')
    expect(await lint('plugins/bucket/fs/index.ts', "export * from '../../../src/stage.ts'")).toContain("'blockgate'")
  })

  it('takes blockgate, its subpaths and files of the plugin itself', async () => {
    const code =
      "export { skip } from 'blockgate'\nexport { fakeHost } from 'blockgate/testing'\nexport { a } from './a.ts'"
    await write('plugins/filter/x/a.ts', 'export const a = 1\n')
    expect(await lint('plugins/filter/x/index.ts', code)).toBe('')
  })
})

describe('lint of src and plugins', () => {
  it.each([
    ['Date.now', 'export const x = Date.now()', 'services.host.now()'],
    ['Date.now through ?.', 'export const x = Date?.now()', 'services.host.now()'],
    ['Date.now by reference', 'export const x = [1].map(Date.now)', 'services.host.now()'],
    ['a Date of now', 'export const x = new Date()', 'services.host.now()'],
    ['Math.random', 'export const x = Math.random()', 'services.host.random()'],
    ['crypto.randomUUID', 'export const x = crypto.randomUUID()', 'services.host.random()'],
    ['setTimeout', 'setTimeout(() => {}, 1)', 'services.host.setTimer()'],
    ['setInterval', 'setInterval(() => {}, 1)', 'services.host.setTimer()'],
    ['performance.now', 'export const x = performance.now()', 'services.host.monotonic()'],
    ['AbortSignal.timeout', 'export const x = AbortSignal.timeout(1)', 'services.host.setTimer()'],
    ['AbortSignal.any', 'export const x = AbortSignal.any([])', 'linkSignals()'],
    ['the environment', 'export const x = process.env.X', 'config hands over env'],
    ['Buffer', 'export const x = Buffer.alloc(1)', 'Uint8Array'],
    ['a timer through globalThis', 'globalThis.setTimeout(() => {}, 1)', 'Name the thing itself'],
    ['console', "console.log('x')", 'console'],
  ])('refuses %s, but not in src/runtime and src/cli', async (_, code, advice) => {
    expect(await lint('src/x.ts', code)).toContain(advice)
    expect(await lint('plugins/sink/x/index.ts', code)).toContain(advice)
    expect(await lint('plugins/bucket/fs/index.ts', code)).toContain(advice)
    expect(await lint('src/runtime/x.ts', code)).toBe('')
    expect(await lint('src/cli/x.ts', code)).toBe('')
  })

  it('looks at code only, and lets pure uses of Date through', async () => {
    const code = "// Date.now()\nexport const x = ['Date.now()', Date.UTC(2026), Date.parse('2026-01-01'), new Date(5)]"
    expect(await lint('src/x.ts', code)).toBe('')
  })

  it('refuses an import cycle, also one of types only', async () => {
    await write('src/b.ts', "import type { A } from './a.ts'\n\nexport type B = { readonly a: A }\n")
    const code = "import type { B } from './b.ts'\n\nexport type A = { readonly b: B }"
    expect(await lint('src/a.ts', code)).toContain('part of a cycle')
  })

  it('refuses a file of more than 400 lines', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `export const x${i} = ${i}`).join('\n')
    expect(await lint('src/x.ts', lines(400))).toBe('')
    expect(await lint('src/x.ts', lines(401))).toContain('400')
  })
})

describe('lint of src', () => {
  it.each([
    ['node:', "export { join } from 'node:path'", 'web APIs'],
    ['a plugin', "export * from '../plugins/filter/x/index.ts'", 'without any plugin'],
    ['itself by name', "export { skip } from 'blockgate'", 'relative path'],
  ])('refuses to import %s', async (_, code, advice) => {
    expect(await lint('src/x.ts', code)).toContain(advice)
  })

  it('lets src/runtime and src/cli import node:, but no plugin', async () => {
    for (const folder of ['src/runtime', 'src/cli']) {
      expect(await lint(`${folder}/x.ts`, "export { join } from 'node:path'")).toBe('')
      const plugin = "export * from '../../plugins/filter/x/index.ts'"
      expect(await lint(`${folder}/x.ts`, plugin)).toContain('without any plugin')
    }
  })
})

describe('the check of the source', () => {
  const script = join(REPOSITORY, 'scripts/check-source.mjs')

  it.each([
    ['a path of the machine', `see ${'/wo'}rk/main/x.ts`, 'a path relative to the repository'],
    ['a folder beside the repository', `see ../${'sha'}red/design.md`, 'a text in docs/'],
    ['a home folder', `see ${'/ro'}ot/notes.txt`, 'a path relative to the repository'],
  ])('refuses %s, with file and line', async (_, line, advice) => {
    await write('docs/x.md', `# Title\n${line}\n`)
    await run('git', ['init', '-q'], root)
    const { code, output } = await run(process.execPath, [script, root], root)
    expect(code).toBe(1)
    expect(output).toContain('docs/x.md:2: ')
    expect(output).toContain(advice)
  })

  it('passes over look-alikes, binary files and what git ignores', async () => {
    await write('a.md', 'https://example.com/work/x, src/work/pool.ts, ../sharedness\n')
    await write('b.bin', `\0${'/wo'}rk/main`)
    await write('ignored.md', `${'/wo'}rk/main`)
    await write('.gitignore', 'ignored.md\n')
    await run('git', ['init', '-q'], root)
    expect(await run(process.execPath, [script, root], root)).toEqual({ code: 0, output: '' })
  })
})

/** What Biome says about `code` at `path`: '' where it finds nothing. */
async function lint(path: string, code: string): Promise<string> {
  await write(path, `${code}\n`)
  const args = ['lint', '--diagnostic-level=error', '--max-diagnostics=none', '.']
  const { code: status, output } = await run(BIOME, args, root)
  await rm(join(root, path))
  return status === 0 ? '' : output
}

async function write(path: string, text: string): Promise<void> {
  const full = join(root, path)
  await mkdir(dirname(full), { recursive: true })
  await writeFile(full, text)
}

function run(file: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  return new Promise(done => {
    execFile(file, args, { cwd }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
    })
  })
}
