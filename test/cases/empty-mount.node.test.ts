import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Case, cases } from './case.ts'

const makeCase = cases()

const BLOCKS = ['A', 'B', 'C', 'D', 'E'].map(c => `01M3TKC7T0E${c}00000000000000`)

function made(): Case {
  const project = makeCase()
  for (const [day, ulid] of BLOCKS.entries()) project.block(ulid, { day })
  return project
}

function empty({ cwd, bucket }: Case): void {
  renameSync(bucket, join(cwd, 'b2'))
  mkdirSync(bucket)
}

describe('a bucket whose folder is empty after five blocks were served', () => {
  it('drops nothing while nobody confirms it, and log, readiness and metrics say it', async () => {
    const project = made()
    const { get, printed } = await project.serve({ EVERY: '100ms' })
    empty(project)
    await printed('a person is asked')
    expect(await get('/-/ready')).toMatch(/5 loaded blocks would be dropped, and a person is asked.*--confirm-drops/)
    expect(await get('/metrics')).toMatch(/^blockgate_drops_unconfirmed 5$/m)
    const { blocks } = JSON.parse(await get('/api/v1/blocks')) as { blocks: { ulid: string; state: string }[] }
    expect(blocks.map(({ ulid, state }) => [ulid, state]).toSorted()).toEqual(BLOCKS.map(ulid => [ulid, 'serving']))
  })

  it('drops them in runs of sync only with --confirm-drops', async () => {
    const project = made()
    expect((await project.sync()).blocks).toMatchObject({ added: 5 })
    empty(project)
    for (let run = 0; run < 4; run++) {
      const { code, blocks } = await project.sync()
      expect([code === 0, blocks], `run ${run}`).toMatchObject([false, { dropped: 0, retained: 5 }])
    }
    expect((await project.sync(['--confirm-drops'])).blocks).toMatchObject({ dropped: 5 })
  })

  it('drops nothing either where another bucket is there instead', async () => {
    const project = made()
    await project.sync()
    rmSync(project.bucket, { recursive: true })
    for (const [day, ulid] of BLOCKS.entries()) project.block(ulid.replace('01M3TKC7T0', '01M3TKC7T1'), { day })
    for (let run = 0; run < 3; run++) {
      expect((await project.sync()).blocks, `run ${run}`).toMatchObject({ dropped: 0, retained: 5 })
    }
  })
})
