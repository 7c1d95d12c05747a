import { expect, it } from 'vitest'
import { ring } from './plugins.ts'
import { churn, crash, join, leave, rollingRestart, type WarmStory, warmth } from './warm.ts'

/** More than any member is next for. */
const ENOUGH = 0.5
const four = { members: 4, blocks: 24, replicas: 1 } as const
const tell = (story: Pick<WarmStory, 'act' | 'budget'>) => warmth(1, ring, { ...four, ...story })

it.each([
  ['planned leave', leave],
  ['rolling restart', rollingRestart],
  ['scale-out', join],
])('in a %s all blocks that move are warm', async (_, act) => {
  const { loads, hits } = await tell({ act, budget: ENOUGH })
  expect([hits, loads > 0]).toEqual([loads, true])
})

it('in a crash, with a tenth of what the disk holds, most are warm', async () => {
  const { loads, hits } = await tell({ act: crash, budget: 0.1 })
  expect(hits / loads).toBeGreaterThanOrEqual(0.6)
})

it('where members come and go, at most a fifth of what is loaded ahead is for nothing', async () => {
  const { loads, hits, warmed, wasted } = await tell({ act: churn, budget: ENOUGH })
  expect(hits / loads).toBeGreaterThan(0.9)
  expect(wasted / warmed).toBeLessThanOrEqual(0.2)
})
