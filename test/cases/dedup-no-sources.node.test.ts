import { expect, it } from 'vitest'
import { cases } from './case.ts'

const makeCase = cases()
const [EARLIER, LATER] = ['01M3TK1880N0SA000000000000', '01M3TK32V0N0SB000000000000']

it.each([
  ['null', { level: 1, sources: null }],
  ['no list', { level: 1 }],
  ['an empty list', { level: 1, sources: [] }],
])('two raw blocks of two days whose sources are %s are both served', async (_, compaction) => {
  const project = makeCase()
  project.block(EARLIER, { compaction })
  project.block(LATER, { compaction, day: 1 })
  const { code, blocks } = await project.sync()
  expect([code, blocks]).toMatchObject([0, { added: 2, skipped: 0, failed: 0 }])
  const explained = await project.blockgate(['explain', LATER])
  expect(explained.stdout).not.toContain('duplicate')
})
