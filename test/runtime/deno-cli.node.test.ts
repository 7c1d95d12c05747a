// The command line under Deno, which may do what docs/deno.md says and nothing else.
import { connect } from 'node:net'
import { join } from 'node:path'
import type { RunSummary } from 'blockgate'
import { expect, it } from 'vitest'
import { BROKEN, blockgate, QUICKSTART, start } from '../support/cli.ts'
import { type Permissions, SOURCES } from '../support/deno.ts'
import { freePorts } from '../support/free-ports.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const config = ['--config', join(QUICKSTART, 'blockgate.config.ts')]
const ENV = ['DIR', 'HTTP', 'SHARD', 'SHARDS', 'TERM', 'OTEL_*']

async function raw(port: number | undefined, text: string): Promise<string> {
  const socket = connect(port ?? 0, '127.0.0.1').setEncoding('utf8')
  socket.write(text)
  let answer = ''
  for await (const part of socket) answer += part
  return answer
}

function permissions(dir: string): Permissions {
  return { read: [...SOURCES, QUICKSTART, dir], write: [dir], env: ENV, sys: ['statfs'] }
}

it('sync of the quickstart does under Deno what it does on Node, and a second one finds what the first one wrote', async () => {
  const dir = folder()
  const sync = (deno?: Permissions) =>
    blockgate(['sync', '--json', ...config], { cwd: folder(), env: { DIR: dir }, ...(deno && { deno }) })
  const first = await sync(permissions(dir))
  expect([first.code, first.stderr]).toEqual([1, ''])
  const summary = JSON.parse(first.stdout) as RunSummary
  expect(summary.blocks).toMatchObject({ seen: 15, added: 8, unchanged: 0, skipped: 6, failed: 1 })
  expect(summary.failures.map(({ block }) => block)).toEqual([BROKEN])
  expect(JSON.parse((await sync(permissions(dir))).stdout).blocks).toMatchObject({ added: 0, unchanged: 8, failed: 1 })
  // What Deno left on the disk is what Node takes over.
  expect(JSON.parse((await sync()).stdout).blocks).toMatchObject({ added: 0, unchanged: 8, failed: 1 })
})

it('run serves HTTP under Deno on the one port that it may, and ends with SIGTERM', async () => {
  const dir = folder()
  const [port] = await freePorts(1)
  const net = `127.0.0.1:${port}`
  const deno = { ...permissions(dir), net: [net] }
  const running = start(['run', ...config], { cwd: folder(), env: { DIR: dir, HTTP: net }, deno })
  try {
    await running.printed('run done')
    const { blocks } = (await (await fetch(`http://${net}/api/v1/blocks`)).json()) as { blocks: { state: string }[] }
    expect(blocks.filter(({ state }) => state === 'serving')).toHaveLength(8)
    expect((await fetch(`http://${net}/-/ready`)).status).toBe(200)
    // Neither names a host, or a length.
    expect(await raw(port, 'GET /-/ready HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 200 /)
    const post = `POST /api/v1/sync HTTP/1.1\r\nhost: ${net}\r\nconnection: close\r\n\r\n`
    expect(await raw(port, post)).toMatch(/^HTTP\/1\.1 202 /)
  } finally {
    running.child.kill('SIGTERM')
  }
  expect((await running.ended).code).toBe(0)
})

it('says what it must be allowed', async () => {
  const dir = folder()
  const { write: _, ...readOnly } = permissions(dir)
  const { code, stderr } = await blockgate(['sync', ...config], { cwd: folder(), env: { DIR: dir }, deno: readOnly })
  expect(code).toBe(3)
  expect(stderr).toContain(`Requires write access to "${dir}`)
})
