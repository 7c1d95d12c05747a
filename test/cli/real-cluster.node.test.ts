import { expect, it } from 'vitest'
import { blockgate, configText } from '../support/cli.ts'
import { freePorts } from '../support/free-ports.ts'
import { startRedis } from '../support/redis.ts'
import { CHILD, PARENT, projectOf, running } from './world.ts'

it('operators see two gateways on a real Redis, drain one, and take it away, with every block served all the time', async () => {
  await using redis = await startRedis()
  const [one = 0, two = 0] = await freePorts(2)
  const made = projectOf(
    configText(
      `dedup(), owned(hashRing({ store: redisStore({ cluster: 'cli', url: env.REDIS, commandTimeout: '1m' }), handoverDelay: 0, heartbeat: '200ms', expireAfter: '10m' })),`,
      `import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { redisStore } from 'blockgate/plugins/store/redis'`,
      `instance: { id: env.ID }, dir: './data-' + env.ID, every: '1s',`,
    ).replace(`'127.0.0.1:0'`, `'127.0.0.1:' + env.PORT`),
  )
  const env = (id: string, port: number) => ({ REDIS: redis.url, ID: id, PORT: String(port) })
  const cli = (...args: string[]) => blockgate(args, { cwd: made.folder, env: env('gw-1', one) })
  const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout)
  const up = async (id: string, port: number) => {
    const gateway = running(['run'], { cwd: made.folder, env: env(id, port) })
    await gateway.printed('run done')
    return gateway
  }

  expect(await json('ring')).toMatchObject({ members: [] })
  const first = await up('gw-1', one)
  expect(await cli('coverage', '--min', '1', '--wait', '4m')).toMatchObject({ code: 0 })
  expect(await cli('coverage', '--min', '2')).toMatchObject({ code: 1 })
  // The child is in the bucket, and nobody serves it: its parent is.
  const { stdout: explained } = await cli('explain', PARENT)
  expect(explained).toContain('gw-1 is to hold it\nserved by gw-1\n')
  expect(explained).toMatch(/\n {2}\S+Z {2}added /)
  expect((await cli('explain', CHILD)).stdout).toContain('skipped by dedup: duplicate')

  await up('gw-2', two)
  expect((await json('ring')).members.map((m: { id: string; state: string }) => [m.id, m.state])).toEqual([
    ['gw-1', 'active'],
    ['gw-2', 'active'],
  ])
  expect(await cli('forget', 'gw-2')).toMatchObject({ code: 1, stderr: expect.stringContaining('gw-2 is up: ') })

  await cli('freeze')
  expect(await cli('drain', '--wait', '1s')).toMatchObject({ code: 1 })
  expect((await cli('ring')).stdout).toMatch(/\nfrozen: [\s\S]*\ngw-1 +- +leaving +yes .* yes +yes /)
  await cli('freeze', '--off')
  expect(await cli('drain', '--wait', '4m')).toMatchObject({ code: 0, stdout: 'gw-1 drains, and serves nothing\n' })
  expect(await cli('coverage', '--min', '1')).toMatchObject({ code: 0 })
  expect((await cli('explain', PARENT)).stdout).toContain('gw-1 drains: it is to hold nothing\nserved by gw-2\n')

  first.child.kill('SIGTERM')
  expect((await first.ended).code).toBe(0)
  expect(await cli('forget', 'gw-1')).toMatchObject({ code: 0 })
  expect((await json('ring')).members.map((m: { id: string }) => m.id)).toEqual(['gw-2'])
  expect(await cli('coverage', '--min', '1')).toMatchObject({ code: 0 })
})
