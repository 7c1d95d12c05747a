import { describe, expect, it } from 'vitest'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { member, STATS } from '../support/ring.ts'
import { cluster } from './cluster.ts'
import { folder, jsonLine, projectWith } from './world.ts'

const COMMANDS = ['ring', 'coverage --min 1', 'drain', 'freeze', 'forget gw-2']
const OBSERVING = COMMANDS.filter(line => !line.startsWith('coverage'))

describe('a command for operators', () => {
  it.each(COMMANDS)(
    '%s: exits with 2 where other processes cannot reach the members, and starts nothing',
    async line => {
      const plain = await blockgate(line.split(' '), { cwd: QUICKSTART, env: { DIR: folder() } })
      const none = 'blockgate: the ownership plugin must have members to look at: static-shard has none\n'
      expect(plain).toEqual({ code: 2, stdout: '', stderr: none })
      const made = cluster(folder(), { unavailable: 'memoryStore() lives in one process' })
      const alone =
        'blockgate: the member store must be one that other processes can reach: memoryStore() lives in one process\n'
      expect(await made.run(...line.split(' '))).toEqual({ code: 2, stdout: '', stderr: alone })
      expect(made.calls).toEqual([''])
    },
  )

  it('says so too where the config has no owned() at all', async () => {
    const { code, stderr } = await blockgate(['ring'], projectWith())
    expect([code, stderr]).toEqual([2, expect.stringContaining('everything has none')])
  })

  it.each(OBSERVING)('%s: starts the ownership plugin alone, as an observer, and stops it', async line => {
    const made = cluster(folder(), { members: [member('gw-1'), member('gw-2', { state: 'down' })] })
    expect(await made.run(...line.split(' '))).toMatchObject({ code: 0, stderr: '' })
    const { calls } = made
    expect(calls.filter(call => call.startsWith('start'))).toEqual(['start as an observer'])
    expect([calls[0], calls.at(-1)]).toEqual(['start as an observer', 'stop'])
  })

  it.each(COMMANDS.slice(0, 2))('%s: exits with 3 where the store is away', async line => {
    const made = cluster(folder(), { away: 9 })
    const away = { code: 3, stdout: '', stderr: 'blockgate: ownership-unavailable: the store is away\n' }
    expect(await made.run(...line.split(' '))).toEqual(away)
    expect(made.calls.at(-1)).toBe('stop')
  })

  it.each([
    ['coverage', 'coverage needs --min, how many live members must serve each block'],
    ['drain --wait 1m --cancel', 'drain --cancel takes no --wait: there is nothing to wait for'],
    ['forget a|b', 'a member must be named by its id, 1 to 128 of A-Z a-z 0-9 . _ : -: current value is "a|b"'],
  ])('%s is bad usage', async (line, message) => {
    const made = cluster(folder(), {})
    expect(await made.run(...line.split(' '))).toEqual({ code: 2, stdout: '', stderr: `blockgate: ${message}\n` })
    expect(made.calls).toEqual([''])
  })
})

describe('blockgate ring', () => {
  const ring = (...args: Parameters<typeof cluster>) => cluster(...args).run('ring')

  it('prints the epoch and why it moved, and each member with what it said of itself', async () => {
    const members = [
      member('gw-1', { zone: 'a', address: 'h:1', stats: STATS }),
      member('gw-2', { state: 'down', placed: false, draining: true, heartbeatAge: 125_000 }),
      member('gw-3', { heartbeatAge: Number.MAX_SAFE_INTEGER }),
    ]
    const { code, stdout } = await ring(folder(), { members })
    expect(code).toBe(0)
    expect(stdout).toBe(`epoch 7: gw-1 joined\\u001b[31m

member  zone  state   ready  heartbeat  placed  draining  address  assigned  serving  pending hand-off  last copy  failed  bytes
gw-1    a     active  yes    1.5 s      yes     no        h:1      12,345    4        3                 2          1       12.3 kB
gw-2    -     down    no     2 min 5 s  no      yes       -        -         -        -                 -          -       -
gw-3    -     active  yes    none       yes     no        -        -         -        -                 -          -       -
`)
  })

  it('says how even the bytes of those that are up are', async () => {
    const of = (id: string, bytes: number, given = {}) => member(id, { stats: { ...STATS, bytes }, ...given })
    const members = [of('gw-1', 100), of('gw-2', 130), member('gw-3'), of('gw-4', 900, { state: 'down' })]
    const { stdout } = await ring(folder(), { members })
    expect(stdout).toContain('\nbytes: the most is 1.13 times the mean\n')
  })

  it('says that all is frozen, and that the config fingerprints of those that are up differ', async () => {
    // A zone of control characters steers no terminal.
    const hostile = { fingerprint: 'old', zone: '\u001b[2J\n' }
    const other = (state: 'active' | 'down') => [member('gw-1'), member('gw-2', { ...hostile, state })]
    const { stdout } = await ring(folder(), { members: other('active'), frozen: true })
    expect(stdout).toContain('gw-2    \\u001b[2J\\u000a  active')
    expect(stdout).toContain('\nfrozen: nothing is released or taken over until `blockgate freeze --off`\n')
    const differ = 'the config fingerprints of the live members differ: nothing is released until they agree'
    expect(stdout).toContain(`\n${differ}\n`)
    expect((await ring(folder(), { members: other('down') })).stdout).not.toMatch(/frozen|differ/)
    expect((await ring(folder(), {})).stdout).toContain('there is no member')
  })

  it('--json prints it on one line', async () => {
    const { stdout } = await cluster(folder(), { members: [member('gw-1', { stats: STATS })] }).run('ring', '--json')
    expect(jsonLine(stdout)).toMatchObject({ epoch: 7, frozen: false, members: [{ id: 'gw-1', stats: STATS }] })
  })
})

describe('blockgate drain', () => {
  const members = [member('gw-1'), member('gw-2'), member('gw-3', { state: 'down' })]
  const advertised = { 'gw-1': [['a', 'b']], 'gw-2': [['a']], 'gw-3': [['a']] }

  it.each([
    ['', 'gw-1 drains, and serves 2 blocks', 'drain gw-1 true'],
    ['--member gw-2', 'gw-2 drains, and serves 1 block', 'drain gw-2 true'],
    ['--cancel', 'gw-1 drains no more', 'drain gw-1 false'],
    // What a member that is down advertised is served by nobody.
    ['--member gw-3 --wait 1ms', 'gw-3 drains, and serves nothing', 'drain gw-3 true'],
  ])('drain %s', async (line, printed, call) => {
    const made = cluster(folder(), { members, advertised })
    const ended = await made.run('drain', ...line.split(' ').filter(word => word !== ''))
    expect(ended).toEqual({ code: 0, stdout: `${printed}\n`, stderr: '' })
    expect(made.calls).toContain(call)
  })

  it('--wait asks until the member serves nothing, and ends with 1 where it still serves something then', async () => {
    const leaving = cluster(folder(), { members, advertised: { 'gw-1': [['a', 'b'], []] } })
    const { code, stdout } = await leaving.run('drain', '--wait', '1ms', '--json')
    expect([code, jsonLine(stdout)]).toEqual([0, { member: 'gw-1', draining: true, serving: 0 }])
    const staying = await cluster(folder(), { members, advertised }).run('drain', '--wait', '1ms')
    expect(staying).toMatchObject({ code: 1, stdout: 'gw-1 still serves 2 blocks after 0.0 s\n' })
  })

  it('ends with 1 where there is no such member, and names those there are', async () => {
    const { code, stderr } = await cluster(folder(), { members }).run('drain', '--member', 'gw-9')
    expect([code, stderr]).toEqual([1, 'blockgate: there is no member gw-9: the members are gw-1, gw-2, gw-3\n'])
    expect((await cluster(folder(), {}).run('drain')).stderr).toContain('there is no member gw-1: there is none')
  })
})

it('blockgate freeze freezes, and --off ends it', async () => {
  const made = cluster(folder(), {})
  expect(await made.run('freeze')).toMatchObject({ code: 0, stdout: 'frozen until `blockgate freeze --off`\n' })
  expect(made.calls).toContain('freeze true')
  expect((await made.run('freeze', '--off', '--json')).stdout).toBe('{"frozen":false}\n')
  expect(made.calls).toContain('freeze false')
})

it('blockgate forget forgets a member that is down; of one that is up it says what to do', async () => {
  const made = cluster(folder(), { members: [member('gw-1'), member('gw-2', { state: 'down' })] })
  expect(await made.run('forget', 'gw-2')).toMatchObject({ code: 0, stdout: 'gw-2 is forgotten\n' })
  expect((await made.run('forget', 'gw-2', '--json')).stdout).toBe('{"member":"gw-2","forgotten":true}\n')
  const first = 'let it hand over with `blockgate drain --member gw-1 --wait 10m`, stop it, and forget it then'
  expect(await made.run('forget', 'gw-1')).toEqual({ code: 1, stdout: '', stderr: `blockgate: gw-1 is up: ${first}\n` })
  const unknown = 'blockgate: there is no member gw-9: the members are gw-1, gw-2\n'
  expect(await made.run('forget', 'gw-9')).toMatchObject({ code: 1, stderr: unknown })
})
