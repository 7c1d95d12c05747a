import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { blockgate, type Running, start } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { blocksOf, type Case, makeCase } from './case.ts'

const folder = tempFolders()
const started: Running[] = []
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})

const BLOCKS = ['A', 'B', 'C', 'D', 'E'].map(c => `01M3TKC7T0E${c}00000000000000`)

function made(): Case {
  const project = makeCase(folder())
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
    const running = start(['run'], { ...project, env: { HTTP: '127.0.0.1:0', EVERY: '100ms' } })
    started.push(running)
    await running.printed('"run done"')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stderr)?.[0]
    empty(project)
    await running.printed('a person is asked')
    const get = async (path: string) => (await fetch(`${url}${path}`)).text()
    expect(await get('/-/ready')).toMatch(/5 loaded blocks would be dropped, and a person is asked.*--confirm-drops/)
    expect(await get('/metrics')).toMatch(/^blockgate_drops_unconfirmed 5$/m)
    const { blocks } = JSON.parse(await get('/api/v1/blocks')) as { blocks: { ulid: string; state: string }[] }
    expect(blocks.map(({ ulid, state }) => [ulid, state]).toSorted()).toEqual(BLOCKS.map(ulid => [ulid, 'serving']))
  })

  it('drops them in runs of sync only with --confirm-drops', async () => {
    const project = made()
    expect(blocksOf((await blockgate(['sync', '--json'], project)).stdout)).toMatchObject({ added: 5 })
    empty(project)
    for (let run = 0; run < 4; run++) {
      const { code, stdout } = await blockgate(['sync', '--json'], project)
      expect([code === 0, blocksOf(stdout)], `run ${run}`).toMatchObject([false, { dropped: 0, retained: 5 }])
    }
    const confirmed = await blockgate(['sync', '--json', '--confirm-drops'], project)
    expect(blocksOf(confirmed.stdout)).toMatchObject({ dropped: 5 })
  })

  it('drops nothing either where another bucket is there instead', async () => {
    const project = made()
    await blockgate(['sync'], project)
    rmSync(project.bucket, { recursive: true })
    for (const [day, ulid] of BLOCKS.entries()) project.block(ulid.replace('01M3TKC7T0', '01M3TKC7T1'), { day })
    for (let run = 0; run < 3; run++) {
      const { stdout } = await blockgate(['sync', '--json'], project)
      expect(blocksOf(stdout), `run ${run}`).toMatchObject({ dropped: 0, retained: 5 })
    }
  })
})
