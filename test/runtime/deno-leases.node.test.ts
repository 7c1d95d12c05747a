// Leases under Deno, which may do what docs/deno.md says, on a real Redis that is its lock server, too.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { denoArgs, denoPath } from '../support/deno.ts'
import { startRedis } from '../support/redis.ts'

it('a member under Deno locks every slot, is granted every block, and gives all locks back', async () => {
  await using redis = await startRedis()
  const args = [
    ...denoArgs({ net: [`127.0.0.1:${redis.port}`] }),
    '--allow-env',
    join(import.meta.dirname, 'deno-leases.ts'),
    redis.url,
  ]
  const { stdout } = await promisify(execFile)(denoPath(), args)
  expect(stdout).toContain('granted 200')
  expect(await redis.command('HLEN', 'blockgate:{deno}:slots')).toBe(256)
  expect(await redis.command('KEYS', 'blockgate:{deno}:lock/*')).toEqual([])
})
