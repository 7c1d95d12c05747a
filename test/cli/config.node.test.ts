import { describe, expect, it } from 'vitest'
import { blockgate, configText, project } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
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

  it('must be there', async () => {
    const { code, stdout, stderr, folder } = await check({})
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `blockgate: there must be a config: none of blockgate.config.ts, blockgate.config.mts, blockgate.config.js is in ${folder}; --config names another\n`,
    })
  })

  it('must be a file that Node can import', async () => {
    const { code, stderr } = await check({ 'blockgate.yaml': 'a: 1' }, undefined, ['--config', 'blockgate.yaml'])
    expect(code).toBe(2)
    expect(stderr).toBe(
      'blockgate: the config must be a .ts, .mts, .js or .mjs file: current value is blockgate.yaml\n',
    )
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
      "every: '1y', bucket: ",
    )
    const { code, stderr } = await check({ 'blockgate.config.ts': text })
    expect(code).toBe(2)
    expect(stderr).toBe(
      [
        'blockgate: blockgate.config.ts has 2 problems:',
        "  every: must be a duration such as '250ms', '30s', '3m', '24h' or '90d', or a number of ms >= 0: current value is \"1y\"",
        '  pipeline[0].concurrency: must be >= 1: current value is 0',
        '',
      ].join('\n'),
    )
  })

  it('may be .mts in a project of CommonJS, and says so where it is not', async () => {
    expect((await check({ 'blockgate.config.mts': TINY }, { type: 'commonjs' })).code).toBe(0)
    const { code, stderr } = await check({ 'blockgate.config.ts': TINY }, { type: 'commonjs' })
    expect(code).toBe(2)
    expect(stderr).toContain('\n  name it blockgate.config.mts, or write "type": "module" into package.json\n')
  })

  it('may be .ts in a project that says nothing of modules', async () => {
    expect((await check({ 'blockgate.config.ts': TINY }, {})).code).toBe(0)
  })
})
