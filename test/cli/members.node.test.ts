import { describe, expect, it } from 'vitest'
import { blockgate, configText, project, QUICKSTART } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { cluster, member, STATS } from './cluster.ts'

const folder = tempFolders()
const COMMANDS = ['ring', 'coverage --min 1', 'drain', 'freeze', 'forget gw-2']

describe('a command for operators', () => {
  it.each(COMMANDS)('%s: a plugin without members is told as bad usage', async line => {
    const { code, stdout, stderr } = await blockgate(line.split(' '), { cwd: QUICKSTART, env: { DIR: folder() } })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe('blockgate: the ownership plugin must have members to look at: static-shard has none\n')
  })

  it('says so too where the config has no owned() at all', async () => {
    const made = project(folder())
    made.write('blockgate.config.ts', configText(''))
    const { code, stderr } = await blockgate(['ring'], { cwd: made.folder })
    expect([code, stderr]).toEqual([2, expect.stringContaining('everything has none')])
  })

  it.each(COMMANDS)('%s: a store that other processes cannot reach is told, and nothing is started', async line => {
    const made = cluster(folder(), { unavailable: 'memoryStore() lives in one process' })
    const { code, stdout, stderr } = await made.run(...line.split(' '))
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      'blockgate: the member store must be one that other processes can reach: memoryStore() lives in one process\n',
    )
    expect(made.calls).toEqual([''])
  })

  it.each(['ring', 'drain', 'freeze', 'forget gw-2'])(
    '%s: starts the ownership plugin alone, as an observer, and stops it',
    async line => {
      const made = cluster(folder(), { members: [member('gw-1'), member('gw-2', { state: 'down' })] })
      expect(await made.run(...line.split(' '))).toMatchObject({ code: 0, stderr: '' })
      const { calls } = made
      expect(calls.filter(call => call.startsWith('start'))).toEqual(['start as an observer'])
      expect([calls[0], calls.at(-1)]).toEqual(['start as an observer', 'stop'])
    },
  )

  it.each(COMMANDS.slice(0, 2))('%s: exits with 3 where the store is away', async line => {
    const made = cluster(folder(), { away: 9 })
    const { code, stdout, stderr } = await made.run(...line.split(' '))
    expect([code, stdout, stderr]).toEqual([3, '', 'blockgate: ownership-unavailable: the store is away\n'])
    expect(made.calls.at(-1)).toBe('stop')
  })
})

describe('blockgate ring', () => {
  it('prints the epoch and why it moved, and each member with what it said of itself', async () => {
    const members = [
      member('gw-1', { zone: 'a', address: 'h:1', stats: STATS }),
      member('gw-2', { state: 'down', placed: false, draining: true, heartbeatAge: 125_000 }),
      member('gw-3', { heartbeatAge: Number.MAX_SAFE_INTEGER }),
    ]
    const { code, stdout } = await cluster(folder(), { members }).run('ring')
    expect(code).toBe(0)
    expect(stdout).toBe(`epoch 7: gw-1 joined\\u001b[31m

member  zone  state   ready  heartbeat  placed  draining  address  assigned  serving  pending hand-off  last copy  failed  bytes
gw-1    a     active  yes    1.5 s      yes     no        h:1      12,345    4        3                 2          1       12.3 kB
gw-2    -     down    no     2 min 5 s  no      yes       -        -         -        -                 -          -       -
gw-3    -     active  yes    none       yes     no        -        -         -        -                 -          -       -
`)
  })

  it('says that all is frozen, and that the config fingerprints of those that are up differ', async () => {
    const rules = (state: 'active' | 'down') => [member('gw-1'), member('gw-2', { rules: 'old', state })]
    const differ = await cluster(folder(), { members: rules('active'), frozen: true }).run('ring')
    expect(differ.stdout).toContain('\nfrozen: nothing is released or taken over until `blockgate freeze --off`\n')
    expect(differ.stdout).toContain(
      '\nthe config fingerprints of the live members differ: nothing is released until they agree\n',
    )
    const agree = await cluster(folder(), { members: rules('down') }).run('ring')
    expect(agree.stdout).not.toMatch(/frozen|differ/)
    expect((await cluster(folder(), {}).run('ring')).stdout).toContain('there is no member')
  })

  it('--json prints it on one line', async () => {
    const { stdout } = await cluster(folder(), { members: [member('gw-1', { stats: STATS })] }).run('ring', '--json')
    expect(stdout.indexOf('\n')).toBe(stdout.length - 1)
    expect(JSON.parse(stdout)).toMatchObject({ epoch: 7, frozen: false, members: [{ id: 'gw-1', stats: STATS }] })
  })
})

describe('blockgate drain', () => {
  const members = [member('gw-1'), member('gw-2'), member('gw-3', { state: 'down' })]
  const claims = { 'gw-1': [['a', 'b']], 'gw-2': [['a']], 'gw-3': [['a']] }

  it('drains the member of the config, or the one that is named, and --cancel takes it back', async () => {
    const made = cluster(folder(), { members, claims })
    expect(await made.run('drain')).toMatchObject({ code: 0, stdout: 'gw-1 drains, and serves 2 blocks\n' })
    expect(made.calls).toContain('drain gw-1 true')
    expect((await made.run('drain', '--member', 'gw-2')).stdout).toBe('gw-2 drains, and serves 1 block\n')
    expect(made.calls).toContain('drain gw-2 true')
    expect((await made.run('drain', '--member', 'gw-2', '--cancel')).stdout).toBe('gw-2 drains no more\n')
    expect(made.calls).toContain('drain gw-2 false')
  })

  it('--wait asks until the member serves nothing', async () => {
    const made = cluster(folder(), { members, claims: { 'gw-1': [['a', 'b'], []] } })
    const { code, stdout } = await made.run('drain', '--wait', '1ms', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([0, { member: 'gw-1', draining: true, serving: 0 }])
  })

  it('--wait does not wait for a member that is down, whatever its claims say, nor for one that was forgotten', async () => {
    const made = cluster(folder(), { members, claims })
    expect(await made.run('drain', '--member', 'gw-3', '--wait', '1ms')).toMatchObject({
      code: 0,
      stdout: 'gw-3 drains, and serves nothing\n',
    })
  })

  it('--wait ends with 1 where the member still serves something when the time is up', async () => {
    const made = cluster(folder(), { members, claims })
    const { code, stdout } = await made.run('drain', '--wait', '1ms')
    expect([code, stdout]).toEqual([1, 'gw-1 still serves 2 blocks after 0.0 s\n'])
  })

  it('ends with 1 where there is no such member, and names those there are', async () => {
    const { code, stderr } = await cluster(folder(), { members }).run('drain', '--member', 'gw-9')
    expect([code, stderr]).toEqual([1, 'blockgate: there is no member gw-9: the members are gw-1, gw-2, gw-3\n'])
    expect((await cluster(folder(), {}).run('drain')).stderr).toContain('there is no member gw-1: there is none')
  })
})

describe('blockgate freeze', () => {
  it('freezes, and --off ends it', async () => {
    const made = cluster(folder(), {})
    expect(await made.run('freeze')).toMatchObject({ code: 0, stdout: 'frozen until `blockgate freeze --off`\n' })
    expect(made.calls).toContain('freeze true')
    expect((await made.run('freeze', '--off', '--json')).stdout).toBe('{"frozen":false}\n')
    expect(made.calls).toContain('freeze false')
  })
})

describe('blockgate forget', () => {
  it('forgets a member that is down; of one that is up it says what to do', async () => {
    const made = cluster(folder(), { members: [member('gw-1'), member('gw-2', { state: 'down' })] })
    expect(await made.run('forget', 'gw-2')).toMatchObject({ code: 0, stdout: 'gw-2 is forgotten\n' })
    expect((await made.run('forget', 'gw-2', '--json')).stdout).toBe('{"member":"gw-2","forgotten":true}\n')
    expect(await made.run('forget', 'gw-1')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'blockgate: gw-1 is up: let it hand over with `blockgate drain --member gw-1 --wait 10m`, stop it, and forget it then\n',
    })
    expect(await made.run('forget', 'gw-9')).toMatchObject({
      code: 1,
      stderr: 'blockgate: there is no member gw-9: the members are gw-1, gw-2\n',
    })
  })
})

describe('bad usage', () => {
  it.each([
    [['coverage'], 'coverage needs --min, how many live members must serve each block'],
    [['coverage', '--min', '0'], '--min must be a whole number >= 1: current value is "0"'],
    [['coverage', '--min', '1.5'], '--min must be a whole number >= 1: current value is "1.5"'],
    [['drain', '--wait', '10'], "--wait must be a time such as '90s' or '10m': current value is \"10\""],
    [['drain', '--wait', '1m', '--cancel'], 'drain --cancel takes no --wait: there is nothing to wait for'],
    [['forget', 'a b'], 'a member must be named by its id, 1 to 128 of A-Z a-z 0-9 . _ : -: current value is "a b"'],
    [
      ['drain', '--member', '../x'],
      'a member must be named by its id, 1 to 128 of A-Z a-z 0-9 . _ : -: current value is "../x"',
    ],
    [['freeze', '--on'], 'unknown option --on of freeze'],
    [['forget'], 'forget needs one argument, <id>: none is given'],
  ])('%j', async (args, message) => {
    const made = cluster(folder(), {})
    const { code, stdout, stderr } = await made.run(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`blockgate: ${message}`)
    expect(made.calls).toEqual([''])
  })
})
