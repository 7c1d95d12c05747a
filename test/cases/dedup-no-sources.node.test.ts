import { expect, it } from 'vitest'
import { blockgate } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { blocksOf, makeCase } from './case.ts'

const folder = tempFolders()
const [EARLIER, LATER] = ['01M3TK1880N0SA000000000000', '01M3TK32V0N0SB000000000000']

it.each([
  ['null', { level: 1, sources: null }],
  ['no list', { level: 1 }],
  ['an empty list', { level: 1, sources: [] }],
])('two raw blocks of two days whose sources are %s are both served', async (_, compaction) => {
  const project = makeCase(folder())
  project.block(EARLIER, { compaction })
  project.block(LATER, { compaction, day: 1 })
  const { code, stdout } = await blockgate(['sync', '--json'], project)
  expect([code, blocksOf(stdout)]).toMatchObject([0, { added: 2, skipped: 0, failed: 0 }])
  const explained = await blockgate(['explain', LATER], project)
  expect(explained.stdout).not.toContain('duplicate')
})
