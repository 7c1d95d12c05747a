import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { CONFIG, cases } from './case.ts'

const makeCase = cases()
const BLOCKS = ['01M3TK8JM0TA00000000000000', '01M3TKAD70TB00000000000000']

function made(under: string, config = CONFIG) {
  const project = makeCase(config)
  for (const [day, ulid] of BLOCKS.entries()) project.block(ulid, { under, day })
  project.write(`bucket/${under}bucket-index.json.gz`, 'x')
  return project
}

describe('a bucket whose blocks lie below a folder', () => {
  it('makes a run that says so, with an example, and is not as quiet as one of an empty bucket', async () => {
    const { code, stdout, stderr } = await made('anonymous/').blockgate(['sync'])
    expect(code).not.toBe(0)
    expect(stdout + stderr).toMatch(/anonymous\//)
    expect(stdout + stderr).toMatch(/prefix/)
    const empty = await makeCase().blockgate(['sync'])
    expect([empty.code, empty.stdout + empty.stderr]).toEqual([0, expect.not.stringMatching(/prefix/)])
  })

  it('serves them with the prefix that was asked for', async () => {
    const config = CONFIG.replace('fs({', "fs({ prefix: 'anonymous',")
    const { code, blocks } = await made('anonymous/', config).sync()
    expect([code, blocks]).toMatchObject([0, { added: 2 }])
  })

  it.each([
    ['env', /\d+ objects such as .* prefix: "env\/anonymous"/],
    ['nobody/here', /nothing lies below the bucket's prefix "nobody\/here"/],
  ])('says what is wrong with the prefix %s', async (prefix, said) => {
    const config = CONFIG.replace('fs({', `fs({ prefix: '${prefix}',`)
    const { code, stdout } = await made('env/anonymous/', config).blockgate(['sync'])
    expect([code, stdout]).toEqual([4, expect.stringMatching(said)])
  })

  it.each(['fs', 's3', 'r2', 'memory'])(
    'is named in the docs of the bucket %s, with the way to give a prefix',
    async name => {
      const readme = await readFile(new URL(`../../plugins/bucket/${name}/README.md`, import.meta.url), 'utf8')
      expect(readme).toMatch(/`prefix`/)
    },
  )
})
