import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BROKEN, blockgate, configText, project, QUICKSTART, UNFINISHED } from '../support/cli.ts'
import { freePorts } from '../support/free-ports.ts'
import { member, owner } from '../support/ring.ts'
import { type ClusterFile, cluster } from './cluster.ts'
import { ABSENT, CHILD, endedBy, folder, hanging, jsonLine, PARENT, projectWith, running } from './world.ts'

/** Nothing listens there. */
const [port = 0] = await freePorts(1)
const HTTP = `127.0.0.1:${port}`
const NO_EVENTS = `no events: no gateway answers at http://${HTTP}: connect ECONNREFUSED ${HTTP}`
const explain = (id: string, DIR = join(folder(), 'data'), ...more: string[]) =>
  blockgate(['explain', id, ...more], { cwd: QUICKSTART, env: { DIR, HTTP } })

describe('blockgate explain', () => {
  it('tells what each stage says of a block that would be added', async () => {
    const { code, stdout, stderr } = await explain(PARENT)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`${PARENT}, of 15 blocks
  time    2026-10-01T00:00:00.000Z to 2026-10-01T05:59:30.001Z (5h 59m 30s 1ms)
  labels  {cluster="eu", replica="a"}
  level   2, from 3 sources

  source  scan-bucket        passed
  block   time-range         passed
  block   consistency-delay  passed
  block   not-deleted        passed
  set     dedup              passed
  set     newest-first       passed
  block   owned              decided at the add (claim() of static-shard is asked at the add)
  sink    directory          decided at the add

passes every stage that can be asked now; who owns it is asked at the add

${NO_EVENTS}
`)
  })

  it('names the block that supersedes a duplicate, and says that it is held', async () => {
    const { code, stdout } = await explain(CHILD)
    expect(code).toBe(0)
    expect(stdout).toContain(`\n  set     dedup              skipped: duplicate (${PARENT} holds all of it)\n`)
    expect(stdout).toContain('\nskipped by dedup: duplicate\nThe sink does not hold it.\n\nno events: ')
    const DIR = folder()
    expect((await blockgate(['sync'], { cwd: QUICKSTART, env: { DIR } })).code).toBe(1)
    const held = / sink {4}directory {10}passed\n\npasses every stage, and is held\n\nno events: /
    expect((await explain(PARENT, DIR)).stdout).toMatch(held)
  })

  it.each([
    [UNFINISHED, 'skipped: no-meta-json', 'no-meta-json'],
    [BROKEN, 'failed: corrupted-meta-json (meta.json: must be JSON: it ends at byte 120)', 'corrupted-meta-json'],
  ])('says that %s is partial, and exits with 1', async (id, source, reason) => {
    const { code, stdout } = await explain(id)
    expect(code).toBe(1)
    expect(stdout).toContain(`\n  source  scan-bucket        ${source}\n  block   time-range         -\n`)
    expect(stdout).toContain(`in the bucket, but cannot be offered: ${reason}`)
  })

  it('says that a block is not in the bucket, and exits with 1', async () => {
    const stdout = `${ABSENT}, of 15 blocks\n\nnot in the bucket\nThe sink does not hold it.\n\n${NO_EVENTS}\n`
    expect(await explain(ABSENT)).toMatchObject({ code: 1, stdout })
  })

  it('--json prints the explanation on one line', async () => {
    const { code, stdout } = await explain(PARENT, undefined, '--json')
    expect([code, jsonLine(stdout)]).toMatchObject([
      0,
      {
        block: PARENT,
        verdict: 'passed',
        loaded: false,
        view: { complete: true, blocks: 15 },
        candidate: { meta: { ulid: PARENT, labels: { cluster: 'eu', replica: 'a' } }, path: `${PARENT}/` },
        steps: expect.arrayContaining([{ stage: 'dedup', kind: 'set', verdict: 'passed' }]),
        gateway: { problem: NO_EVENTS.slice('no events: '.length) },
      },
    ])
  })

  it.each([
    ['../../etc/passwd', ''],
    [PARENT.toLowerCase(), `: did you mean ${PARENT}?`],
    [`8${PARENT.slice(1)}`, ''],
  ])('does not take %s for a ULID', async (text, hint) => {
    const must = 'blockgate: a block must be named by its ULID, 26 characters'
    expect(await explain(text)).toMatchObject({ code: 2, stderr: `${must}: current value is "${text}"${hint}\n` })
  })

  it('changes nothing on the disk, not even the temp files of a gateway that is loading there', async () => {
    const made = projectWith()
    const DIR = join(made.folder, 'data')
    expect((await blockgate(['explain', PARENT], made)).code).toBe(0)
    expect(existsSync(DIR)).toBe(false)
    await blockgate(['sync'], made)
    mkdirSync(join(DIR, 'blocks/.blockgate-tmp'), { recursive: true })
    made.write(`data/blocks/.blockgate-tmp/${CHILD}`, '')
    made.write('data/state/.tmp-1', '')
    const before = readdirSync(DIR, { recursive: true }).sort()
    expect((await blockgate(['explain', PARENT], made)).code).toBe(0)
    expect(readdirSync(DIR, { recursive: true }).sort()).toEqual(before)
  })

  it('ends with 130 at SIGINT, and with 3 where the view cannot be had', async () => {
    const hangs = running(['explain', PARENT], projectWith(`${hanging(true)} dedup(),`))
    expect(await endedBy('SIGINT', hangs, 'in flight')).toMatchObject({ code: 130, stdout: '' })
    const stderr = expect.stringContaining('blockgate: selection-invalid: select() must name every block exactly once')
    const broken = projectWith(`{ kind: 'set', name: 'broken', select: () => [] },`)
    expect(await blockgate(['explain', PARENT], broken)).toEqual({ code: 3, stdout: '', stderr })
  })
})

describe('the owners in blockgate explain', () => {
  const owners = [
    owner('gw-2'),
    owner('gw-3', { rank: 1, live: false, serves: false }),
    owner('gw-4', { rank: 2, target: false, serves: false }),
    owner('gw-1', { rank: 3, target: false }),
  ]
  const members = [member('gw-1'), member('gw-2', { zone: 'a' }), member('gw-3', { state: 'down' }), member('gw-4')]
  const told = async (file: ClusterFile, options?: { http?: string }) => {
    const made = cluster(folder(), file, options)
    const { code, stdout } = await made.run('explain', PARENT)
    expect(code).toBe(0)
    return { stdout, calls: made.calls }
  }

  it('are told by rank: who is to hold the block, who is up, who has it; of others only this gateway itself', async () => {
    const { stdout, calls } = await told({ members, owners })
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
    // Nothing is joined or claimed.
    expect(calls).toEqual(['start as an observer', 'start the filters', 'stop'])
  })

  const mine = owner('gw-1', { serves: false })
  it.each([
    ['it is an owner', { members, owners: [mine] }, 'gw-1 is to hold it\nserved by nobody'],
    ['it drains', { members: [member('gw-1', { draining: true })], owners }, 'gw-1 drains: it is to hold nothing\n'],
    ['it is no member', { members: [member('gw-2')], owners }, 'gw-1 is no member: it is to hold nothing\n'],
    ['there is no owner', { members, owners: [] }, 'gw-1 is not to hold it: nobody is\nserved by nobody'],
    ['the members cannot be asked', { away: 9, owners }, 'gw-1 is not to hold it: gw-2, gw-3 came first\n'],
  ] as const)('say why where %s', async (_, file, text) => expect((await told(file)).stdout).toContain(text))

  it('are not believed where the members are out of reach', async () => {
    expect((await told({ unavailable: 'it lives in one process', owners })).stdout).not.toContain('by rank')
  })

  it('are those of the running gateway, which also tells the last events of the block', async () => {
    const http = `127.0.0.1:${(await freePorts(1))[0]}`
    const made = cluster(folder(), { members, owners, unavailable: 'it lives in one process' }, { http })
    await running(['run'], { cwd: made.folder }).printed('run done')
    const { stdout } = await made.run('explain', PARENT)
    const events = `\\nevents, from the gateway at http://${http}\\n {2}\\S+Z {2}skipped {2}owned {2}not-owner\\n$`
    expect(stdout).toMatch(new RegExp(events))
    expect(stdout).toContain('\n  1  gw-2  -  owner  up    serves it\n')
    const json = jsonLine((await made.run('explain', PARENT, '--json')).stdout)
    const history = [{ kind: 'skipped', by: 'owned', reason: 'not-owner' }]
    expect(json).toMatchObject({ block: PARENT, owners, gateway: { url: `http://${http}`, history, owners } })
    const other = await made.run('explain', ABSENT)
    expect(other.stdout).toContain(`\nno events: the gateway at http://${http} has not seen the block\n`)
  })

  it('has with each event the page of its trace, where the config says where that is', async () => {
    const [port = 0, nobody = 0] = await freePorts(2)
    const made = project(folder())
    const traces = `traces: { url: 'http://jaeger:16686/trace/{traceId}' },`
    made.write('blockgate.config.ts', configText('', '', `http: '127.0.0.1:${port}', ${traces}`))
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${nobody}` }
    await running(['run'], { cwd: made.folder, env }).printed('run done')
    const { stdout } = await blockgate(['explain', PARENT], { cwd: made.folder })
    expect(stdout).toMatch(/Z {2}\S+ .* {2}http:\/\/jaeger:16686\/trace\/[0-9a-f]{32}\n/)
  })

  it.each([
    ['{"history":[{"at":"now"}],"owners":null}', 200, 'what answers at URL is no gateway'],
    ['<html>', 200, 'no gateway answers at URL: '],
    ['{}', 500, 'URL answers with 500'],
    [' '.repeat(2 ** 20 + 1), 200, 'the answer of URL has more than 1048576 bytes'],
  ])('are not taken from something else that answers: %#', async (body, status, problem) => {
    const server = createServer((_, response) => response.writeHead(status).end(body))
    onTestFinished(() => void server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const http = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const { stdout } = await told({ members, owners }, { http })
    expect(stdout).toContain(`\nno events: ${problem.replace('URL', `http://${http}`)}`)
  })

  it('are not asked for where the config has no address to ask at', async () => {
    const problem = 'no events: the config has http port 0, any free one: no running gateway can be asked'
    expect((await told({ members }, { http: ':0' })).stdout).toContain(`\n${problem}\n`)
  })
})
