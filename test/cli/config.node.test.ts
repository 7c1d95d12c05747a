import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockgate, configText, project } from '../support/cli.ts'
import { folder } from './world.ts'

const TINY = configText('')

/** `check` in a project with these files. */
async function check(files: Readonly<Record<string, string>>, packageJson?: object, args: readonly string[] = []) {
  const made = project(folder(), packageJson)
  for (const [name, text] of Object.entries(files)) made.write(name, text)
  return { ...(await blockgate(['check', ...args], { cwd: made.folder })), folder: made.folder }
}

describe('the config of the command line', () => {
  it.each(['blockgate.config.ts', 'blockgate.config.mts', 'blockgate.config.js'])('is %s', async name => {
    const { code, stdout, stderr } = await check({ [name]: TINY })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`/${name}\n`)
  })

  it('is the first of the three that is there, or the one that --config names', async () => {
    const other = TINY.replace('scanBucket(),', 'scanBucket(), dedup(),')
    const files = { 'blockgate.config.ts': other, 'blockgate.config.js': TINY, 'tiny.mjs': TINY }
    expect((await check(files)).stdout).toContain(' dedup')
    expect((await check(files, undefined, ['--config', 'tiny.mjs'])).stdout).not.toContain(' dedup')
  })

  it('must be there, and must be a file that Node can import', async () => {
    const { folder, ...none } = await check({})
    const must = `blockgate: there must be a config: none of blockgate.config.ts, blockgate.config.mts, blockgate.config.js is in ${folder}; --config names another\n`
    expect(none).toEqual({ code: 2, stdout: '', stderr: must })
    const yaml = await check({ 'blockgate.yaml': 'a: 1' }, undefined, ['--config', 'blockgate.yaml'])
    const file = 'blockgate: the config must be a .ts, .mts, .js or .mjs file: current value is blockgate.yaml\n'
    expect(yaml).toMatchObject({ code: 2, stderr: file })
  })

  it.each([
    ['no default export', 'export const config = {}', /^ must have a default export: export default defineConfig/],
    [
      'a package that is missing',
      "import 'not-there'\nexport default {}",
      /^ cannot be loaded: Cannot find package 'not-there'/,
    ],
    ['a throw while it is read', 'const a = 1\nthrow new Error("no " + a)', /^:2 cannot be loaded: no 1$/],
    ['a mistake in its syntax', 'export default {\n  pipeline: [,]]\n}', /^\S* cannot be loaded: /],
    [
      'a function that throws',
      'const a = 1\n\nexport default () => { throw new Error("no bucket") }',
      /^:3: the config threw: no bucket$/,
    ],
    ['no object', 'export default 7', /^ has 1 problem:\n {2}config: must be an object: current value is 7$/],
  ])('%s is told with the place, in exit code 2', async (_, text, message) => {
    const { code, stdout, stderr } = await check({ 'blockgate.config.ts': text })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trimEnd()).toMatch(/^blockgate: blockgate\.config\.ts/)
    expect(stderr.trimEnd().slice('blockgate: blockgate.config.ts'.length)).toMatch(message)
    expect(stderr).not.toContain('    at ')
  })

  it('has all its problems told at once', async () => {
    const text = TINY.replace('scanBucket()', 'scanBucket({ concurrency: 0 })').replace(
      'bucket: ',
      "every: '1 year', bucket: ",
    )
    const stderr = `blockgate: blockgate.config.ts has 2 problems:
  every: must be a duration such as '30s', '1d12h' or '6w', or a number of ms >= 0: current value is "1 year"
  pipeline[0].concurrency: must be >= 1: current value is 0
`
    expect(await check({ 'blockgate.config.ts': text })).toMatchObject({ code: 2, stderr })
  })

  it('may be .mts in a project of CommonJS, and .ts in one that says nothing of modules', async () => {
    expect((await check({ 'blockgate.config.mts': TINY }, { type: 'commonjs' })).code).toBe(0)
    expect((await check({ 'blockgate.config.ts': TINY }, {})).code).toBe(0)
  })

  it('may stand where no package is, as a ConfigMap does: it finds the blockgate that reads it', async () => {
    const etc = folder()
    mkdirSync(join(etc, '..2026_11_30'))
    writeFileSync(join(etc, '..2026_11_30/blockgate.config.ts'), TINY)
    symlinkSync('..2026_11_30', join(etc, '..data'))
    symlinkSync('..data/blockgate.config.ts', join(etc, 'blockgate.config.ts'))
    const given = ['check', '--config', join(etc, 'blockgate.config.ts')]
    const { code, stdout, stderr } = await blockgate(given, { cwd: folder() })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('scan-bucket')
    writeFileSync(join(etc, '..2026_11_30/blockgate.config.ts'), "import 'not-there'\nimport 'blockgate/not-there'")
    const missing = await blockgate(given, { cwd: folder() })
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("Cannot find package 'not-there'")])
  })

  it.each([
    ['is a .ts file', { 'blockgate.config.ts': TINY }, 'Cannot use import statement outside a module'],
    ['only exports', { 'blockgate.config.ts': 'export default {}' }, "Unexpected token 'export'"],
    ['calls require()', { 'blockgate.config.mts': "require('node:os')" }, 'require is not defined in ES module scope'],
    [
      'imports a name from a .ts file',
      { 'blockgate.config.mts': "import { own } from './own.ts'\nown()", 'own.ts': 'export const own = () => {}' },
      "The requested module './own.ts' does not provide an export named 'own'",
    ],
    [
      'imports a .ts file for its effect',
      { 'blockgate.config.mts': "import './own.ts'", 'own.ts': "import 'node:os'" },
      'Cannot use import statement outside a module',
    ],
  ])('in a project of CommonJS is told to say "type": "module" first, where it %s', async (_, files, message) => {
    const { code, stderr } = await check(files, { type: 'commonjs' })
    expect(code).toBe(2)
    expect(stderr).toContain(` cannot be loaded: ${message}`)
    expect(stderr.slice(stderr.indexOf(message))).toMatch(
      /^.*\n {2}write "type": "module" into package\.json: npm pkg set type=module; or name the config, and what it imports, \.mts\n$/,
    )
    expect((await check(files, { type: 'module' })).stderr).not.toContain('npm pkg set')
  })

  it.each([
    [{ type: 'commonjs' }, 'own.mts'],
    [{ type: 'module' }, 'own.ts'],
    [{}, 'own.ts'],
  ])('is not told so where a name is mistyped: package.json %o, import from %s', async (packageJson, own) => {
    const files = { 'blockgate.config.mts': `import { owm } from './${own}'\nowm()`, [own]: 'export const own = 1' }
    const { code, stderr } = await check(files, packageJson)
    expect(code).toBe(2)
    expect(stderr).toContain(`The requested module './${own}' does not provide an export named 'owm'\n`)
    expect(stderr).not.toContain('npm pkg set')
  })
})
