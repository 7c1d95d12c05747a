import { describe, expect, it } from 'vitest'
import { type Case, cases } from './case.ts'

const makeCase = cases()

const AT = 1_790_900_000
const mark = (id: string, more: object = {}) => JSON.stringify({ id, version: 1, deletion_time: AT, ...more })

/** Of each block, its mark and what must be said of it. */
const BAD: Readonly<Record<string, readonly [mark: string, said: RegExp]>> = {
  '01M3TKNCS0MEMPTY0000000000': ['', /empty/],
  '01M3TKQ7C0MV20000000000000': [mark('01M3TKQ7C0MV20000000000000', { version: 2 }), /version.*\b2\b/],
  '01M3TKS1Z0MTEXT00000000000': [mark('01M3TKS1Z0MTEXT00000000000', { deletion_time: `${AT}` }), /deletion_time/],
  '01M3TKTWJ0M0THER0000000000': [mark('01M3TK1880X000000000000000'), /01M3TK1880X000000000000000/],
}
const GOOD = '01M3TKWQ50MG00D00000000000'
const MADE = new Date(AT * 1000).toISOString().slice(0, 19)

function made(): Case {
  const project = makeCase()
  for (const [ulid, [text]] of Object.entries(BAD)) project.block(ulid, { mark: text })
  project.block(GOOD, { mark: mark(GOOD) })
  return project
}

/** The lines that name the block and its mark. */
const linesOf = (text: string, ulid: string) =>
  text.split('\n').filter(line => line.includes(ulid) && line.includes('deletion-mark'))

describe('deletion marks that cannot be used', () => {
  it('each run keeps the blocks, and says of each what is wrong with its mark', async () => {
    const project = made()
    for (const run of [1, 2]) {
      const { stdout, stderr } = await project.blockgate(['sync'])
      expect(stdout, `run ${run}`).toContain('held now: 4')
      for (const [ulid, [, said]] of Object.entries(BAD)) {
        expect(linesOf(stdout + stderr, ulid).join('\n'), `run ${run}`).toMatch(said)
      }
    }
  })

  it('explain and inspect say it too, and of a good mark when it was made', async () => {
    const project = made()
    for (const [ulid, [, said]] of Object.entries(BAD)) {
      expect((await project.blockgate(['explain', ulid])).stdout, ulid).toMatch(said)
      const inspected = await project.blockgate(['inspect', ulid])
      expect([inspected.code, inspected.stdout + inspected.stderr], ulid).toEqual([1, expect.stringMatching(said)])
    }
    for (const command of ['explain', 'inspect']) {
      expect((await project.blockgate([command, GOOD])).stdout).toContain(MADE)
    }
  })

  it('the API says it too', async () => {
    const { get } = await made().serve()
    for (const [ulid, [, said]] of Object.entries(BAD)) expect(await get(`/api/v1/blocks/${ulid}`), ulid).toMatch(said)
    expect(await get(`/api/v1/blocks/${GOOD}`)).toContain(MADE)
  })
})
