/** `dir` is of one process: who comes second ends with 3, whoever only looks does not. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { type Permissions, SOURCES } from '../support/deno.ts'
import { endedBy, folder, running as start } from './world.ts'

const BLOCK = '01M82F4V503551737ZN8E730F7'

const deno = (dir: string): Permissions => ({
  read: [...SOURCES, QUICKSTART, dir],
  write: [dir],
  env: ['DIR', 'HTTP', 'SHARD', 'SHARDS', 'TERM', 'OTEL_*'],
  net: ['127.0.0.1:0'],
  sys: ['statfs'],
})

it.each([
  ['Node', (_: string) => undefined],
  ['Deno', deno],
])('sync beside run ends with 3 and says who has the dir; after SIGKILL it is free: %s', async (_, permissions) => {
  const dir = folder()
  const may = permissions(dir)
  const options = { cwd: QUICKSTART, env: { DIR: dir, HTTP: '127.0.0.1:0' }, ...(may && { deno: may }) }
  const running = start(['run'], options)
  await running.printed('run done')
  const before = readdirSync(dir).sort()
  const second = await blockgate(['sync'], options)
  expect([second.code, second.stdout]).toEqual([3, ''])
  expect(second.stderr).toContain(`dir-in-use: dir "${dir}" must be of one process alone: blockgate run has it`)
  expect(second.stderr).toContain(`process ${running.child.pid} `)
  expect(second.stderr.trim().split('\n')).toHaveLength(1)
  expect((await blockgate(['explain', BLOCK], options)).code).toBe(0)
  expect((await blockgate(['check'], options)).code).toBe(0)
  expect(readdirSync(dir).sort()).toEqual(before)
  running.child.kill('SIGKILL')
  await running.ended
  const third = await blockgate(['sync', '--json'], options)
  expect(third.stderr).toBe('')
  expect(JSON.parse(third.stdout).blocks).toMatchObject({ unchanged: 8, failed: 1 })
  // It gave the lock back.
  const state = join(dir, 'state')
  const locks = readdirSync(state).filter(name => name.startsWith('lock-'))
  expect(locks.map(name => readFileSync(join(state, name), 'utf8'))).toEqual([''])
})

it.each([
  ['run', 0],
  ['sync', 143],
])('a signal ends the wait for another machine: %s ends with %i', async (command, code) => {
  const dir = folder()
  const since = '2026-01-01T00:00:00.000Z'
  const socket = `lock-${crypto.randomUUID()}.sock`
  mkdirSync(join(dir, 'state'))
  const held = { pid: 7, host: 'store-b', command: 'blockgate run', since, boot: 'another', socket }
  writeFileSync(join(dir, 'state/lock-1'), JSON.stringify(held))
  const running = start([command], { cwd: QUICKSTART, env: { DIR: dir, HTTP: '127.0.0.1:0' } })
  const ended = await endedBy('SIGTERM', running, 'waits up to 60 s for a sign of it')
  expect([ended.code, ended.stdout]).toEqual([code, ''])
  expect(ended.stderr).toContain('blockgate run has it, process 7 on store-b')
  expect(ended.stderr).toContain('SIGTERM: stopping')
  expect(ended.stderr).toContain('blockgate: stopped before dir was locked')
  expect(readdirSync(dir)).toEqual(['state'])
  expect(readdirSync(join(dir, 'state'))).toEqual(['lock-1'])
})
