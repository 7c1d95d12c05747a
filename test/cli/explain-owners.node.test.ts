import { createServer } from 'node:http'
import type { Owner } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { start } from '../support/cli.ts'
import { freePorts } from '../support/free-ports.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { type ClusterFile, cluster, member } from './cluster.ts'

const folder = tempFolders()
const PARENT = '01M82F6PPKPCYJMTRGKGY7ENZS'

const owner = (id: string, rank: number, rest: Partial<Owner> = {}): Owner => ({
  member: id,
  rank,
  target: true,
  serves: true,
  live: true,
  ...rest,
})
const owners = [
  owner('gw-2', 0),
  owner('gw-3', 1, { live: false, serves: false }),
  owner('gw-4', 2, { target: false, serves: false }),
  owner('gw-1', 3, { target: false, serves: true }),
]
const members = [member('gw-1'), member('gw-2', { zone: 'a' }), member('gw-3', { state: 'down' }), member('gw-4')]
const explain = (file: ClusterFile, options?: { http?: string }) =>
  cluster(folder(), file, options).run('explain', PARENT)

describe('the owners in blockgate explain', () => {
  it('are told by rank: who is to hold the block, who is up, who has it; of others only this gateway itself', async () => {
    const { code, stdout } = await explain({ members, owners })
    expect(code).toBe(0)
    expect(stdout).toContain(`
  block   owned        skipped: not-owner
  sink    directory    -

skipped by owned: not-owner
The sink does not hold it.

by rank
  1  gw-2  a  owner  up    serves it
  2  gw-3  -  owner  down  -
  4  gw-1  -  -      up    serves it
gw-1 is not to hold it: gw-2, gw-3 came first
served by gw-2, gw-1

no events: `)
  })

  it.each([
    [
      'it is an owner',
      { members, owners: [owner('gw-1', 0, { serves: false })] },
      'gw-1 is to hold it\nserved by nobody',
    ],
    ['it drains', { members: [member('gw-1', { draining: true })], owners }, 'gw-1 drains: it is to hold nothing\n'],
    ['it is no member', { members: [member('gw-2')], owners }, 'gw-1 is no member: it is to hold nothing\n'],
    ['there is no owner', { members, owners: [] }, 'gw-1 is not to hold it: nobody is\nserved by nobody'],
    ['the members cannot be asked', { away: 9, owners }, 'gw-1 is not to hold it: gw-2, gw-3 came first\n'],
  ] as const)('say why where %s', async (_, file, text) => {
    const { code, stdout } = await explain(file)
    expect([code, stdout]).toEqual([0, expect.stringContaining(text)])
  })

  it('are not believed where the members are out of reach', async () => {
    const { stdout } = await explain({ unavailable: 'it lives in one process', owners })
    expect(stdout).not.toContain('by rank')
  })
})

describe('blockgate explain', () => {
  it('only looks: it joins and claims nothing', async () => {
    const made = cluster(folder(), { members, owners: [owner('gw-1', 0)] })
    await made.run('explain', PARENT)
    expect(made.calls).toEqual(['start as an observer', 'start the filters', 'stop'])
  })

  it('tells the last events of the block, and the owners, as the running gateway knows them', async () => {
    const [port] = await freePorts(1)
    const http = `127.0.0.1:${port}`
    const made = cluster(folder(), { members, owners, unavailable: 'it lives in one process' }, { http })
    const running = start(['run'], { cwd: made.folder })
    await running.printed('run done')
    const { stdout } = await made.run('explain', PARENT)
    const json = JSON.parse((await made.run('explain', PARENT, '--json')).stdout)
    const other = await made.run('explain', '01M82F4V3SVSEGMTRS010WXKD6')
    running.child.kill('SIGTERM')
    await running.ended
    expect(stdout).toMatch(
      new RegExp(`\\nevents, from the gateway at http://${http}\\n {2}\\S+Z {2}skipped {2}owned {2}not-owner\\n$`),
    )
    expect(stdout).toContain('\n  1  gw-2  -  owner  up    serves it\n')
    expect(json).toMatchObject({
      block: PARENT,
      owners,
      gateway: { url: `http://${http}`, history: [{ kind: 'skipped', by: 'owned', reason: 'not-owner' }], owners },
    })
    expect(other.stdout).toContain(`\nno events: the gateway at http://${http} has not seen the block\n`)
  })

  it.each([
    ['{"history":[{"at":"now"}],"owners":null}', 200, 'what answers at URL is no gateway'],
    ['<html>', 200, 'no gateway answers at URL: '],
    ['{}', 500, 'URL answers with 500'],
    [' '.repeat(2 ** 20 + 1), 200, 'the answer of URL has more than 1048576 bytes'],
  ])('says so where something else answers: %#', async (body, status, problem) => {
    const server = createServer((_, response) => response.writeHead(status).end(body))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const http = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const { code, stdout } = await explain({ members, owners }, { http })
    server.close()
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`\nno events: ${problem.replace('URL', `http://${http}`)}`),
    ])
  })

  it('says so where the config has no address to ask at', async () => {
    expect((await explain({ members }, { http: ':0' })).stdout).toContain(
      '\nno events: the config has http port 0, any free one: no running gateway can be asked\n',
    )
  })
})
