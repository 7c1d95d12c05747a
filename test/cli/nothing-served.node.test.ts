/** What serves nothing must not look like success. */
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockgate, configText, project, start } from '../support/cli.ts'
import { startRedis } from '../support/redis.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()

function projectWith(config: string) {
  const made = project(folder())
  made.write('blockgate.config.ts', config)
  return { ...made, cwd: made.folder }
}

describe('blockgate sync exits with 4', () => {
  it('where the blocks lie in a folder, names it as the prefix to give, and works with that', async () => {
    const made = projectWith(configText(''))
    renameSync(made.bucket, join(made.folder, 'b2'))
    mkdirSync(made.bucket)
    renameSync(join(made.folder, 'b2'), join(made.bucket, 'anonymous'))
    const { code, stdout, stderr } = await blockgate(['sync'], made)
    expect(code).toBe(4)
    expect(stdout).toMatch(/ {2}scan-bucket: nothing-served: \d+ objects such as "anonymous\/.*prefix: "anonymous"\n/)
    expect(stderr).toContain('"code":"nothing-served"')
    made.write(
      'blockgate.config.ts',
      configText('').replace("root: './bucket'", "root: './bucket', prefix: 'anonymous'"),
    )
    expect((await blockgate(['sync'], made)).code).toBe(0)
  })

  it('where a filter lets nothing through', async () => {
    const head = "import { matchLabels } from 'blockgate/plugins/filter/match-labels'"
    const stage = "matchLabels({ relabel: [{ action: 'keep', sourceLabels: ['cluster'], regex: 'nowhere' }] }),"
    const { code, stdout } = await blockgate(['sync', '--json'], projectWith(configText(stage, head)))
    expect([code, JSON.parse(stdout).blocks.added]).toEqual([4, 0])
  })

  it('where Redis refuses the password: /-/ready of run names Redis, and the cause', async () => {
    await using redis = await startRedis({ args: ['--requirepass', 'right'], admin: { password: 'right' } })
    const head = `import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { redisStore } from 'blockgate/plugins/store/redis'
const store = redisStore({ cluster: 'c', url: 'redis://:wrong@127.0.0.1:${redis.port}' })`
    const made = projectWith(configText('owned(hashRing({ store })),', head, "instance: { id: 'gw-1' },"))
    const { code, stdout } = await blockgate(['sync'], made)
    expect(code).toBe(4)
    expect(stdout).toMatch(
      /owned: nothing-served: no block is served; \d+ of \d+ blocks: ownership-unavailable: .*WRONGPASS/,
    )
    const running = start(['run'], made)
    await running.printed('"message":"run done"')
    const [, url] = running.stderr.match(/"url":"([^"]+)"/) ?? []
    const response = await fetch(`${url}/-/ready`)
    expect([response.status, await response.text()]).toEqual([503, expect.stringMatching(/Redis at 127.*WRONGPASS/)])
    running.child.kill()
    expect((await running.ended).code).toBe(0)
  })
})

it('blockgate sync exits with 0 where the bucket is empty', async () => {
  const made = projectWith(configText(''))
  renameSync(made.bucket, join(made.folder, 'b2'))
  mkdirSync(made.bucket)
  const { code, stderr } = await blockgate(['sync'], made)
  expect([code, stderr]).toEqual([0, ''])
})

it('a listing that failed prints its cause, and no table of zeros', async () => {
  const source = `const broken = { kind: 'source', name: 'broken', async *pages() { throw new Error('the bucket is gone') } }`
  const made = projectWith(configText('', source).replace('scanBucket(), ', 'broken, '))
  const { code, stdout } = await blockgate(['sync'], made)
  expect([code, stdout.replace(/in .* s/, 'in N s')]).toEqual([
    3,
    'manual run failed in N s\n\n  broken: listing-failed: the bucket is gone\n\n',
  ])
})
