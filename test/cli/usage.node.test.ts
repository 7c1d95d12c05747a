import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { nearest } from '../../src/config/option-hints.ts'
import { blockgate } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const run = (...args: string[]) => blockgate(args, { cwd: folder() })
const VERSION = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version

describe('blockgate', () => {
  it('--help names every command, the exit codes and examples, and exits with 0', async () => {
    const { code, stdout, stderr } = await run('--help')
    expect([code, stderr]).toEqual([0, ''])
    for (const { name, summary } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b.*  ${summary}$`, 'm'))
    expect(stdout).toContain('\nExit codes\n  0 ')
    expect(stdout).toContain('\nExamples\n  blockgate run\n')
  })

  it.each(COMMANDS.map(c => c.name))('%s --help tells its options and examples without a config', async name => {
    const { code, stdout } = await run(name, '--help')
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: blockgate ${name}`)
    expect(stdout).toContain('  --config <file>  ')
    expect(stdout).toMatch(new RegExp(`\nExamples\n( .*\n)*.*blockgate ${name}\\b`))
  })

  it('-h is --help, and wins over an argument that is missing', async () => {
    expect((await run('explain', '-h')).stdout).toContain('Usage: blockgate explain <ULID> [options]')
  })

  it('--version prints the version of the package, and nothing else', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
  })

  it.each([
    [
      [],
      'a command must be given: the commands are run, sync, check, explain, inspect, ring, coverage, drain, freeze, forget',
    ],
    [['snyc'], 'unknown command "snyc": did you mean "sync"?'],
    [
      ['frobnicate'],
      'unknown command "frobnicate": the commands are run, sync, check, explain, inspect, ring, coverage, drain, freeze, forget',
    ],
    [['--jsn', 'sync'], 'unknown option --jsn of sync: did you mean "--json"?'],
    [['run', '--json'], 'unknown option --json of run'],
    [['sync', '--confirm-drop'], 'unknown option --confirm-drop of sync: did you mean "--confirm-drops"?'],
    [
      ['sync', '--confirm', '--wait=1m', '--jsno', '--jsno'],
      'unknown option --confirm of sync: did you mean "--config"?; unknown option --wait of sync; unknown option --jsno of sync: did you mean "--json"?',
    ],
    [['--hepl'], 'unknown option --hepl: did you mean "--help"?'],
    [['sync', '-x'], 'unknown option -x of sync'],
    [['sync', 'now'], 'sync takes no argument: "now"'],
    [['explain'], 'explain needs one argument, <ULID>: none is given'],
    [['explain', 'a', 'b'], 'explain needs one argument, <ULID>: 2 are given'],
    [['sync', '--config'], '--config must have a value: --config <file>'],
    [['sync', '--config', '--json'], '--config must have a value: --config <file>'],
    [['sync', '--json=yes'], '--json takes no value: current value is "yes"'],
  ])('%j is bad usage: one line on stderr, exit code 2', async (args, message) => {
    expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr: `blockgate: ${message}\n` })
  })

  it('an option may stand before the command', async () => {
    const { code, stderr } = await run('--config', 'sync', 'check')
    expect([code, stderr]).toEqual([2, expect.stringContaining('the config must be a file: there is no ')])
  })

  it('says in one line that a Node is too old, before it reads anything that such a Node cannot', async () => {
    const fake = "Object.defineProperty(process.versions, 'node', { value: '22.17.1' })"
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(fake)}`]
    const { code, stdout, stderr } = await blockgate(['check'], { cwd: folder(), nodeArgs })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(`blockgate: Node must be 22.18 or newer: this is 22.17.1 (${process.execPath})\n`)
  })

  it('the main file imports nothing at its head, so that every Node can read it', () => {
    const text = readFileSync(join(import.meta.dirname, '../../src/cli/main.ts'), 'utf8')
    expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect(text).not.toMatch(/^import\b/m)
  })
})

describe('nearest', () => {
  it.each([
    ['snyc', 'sync'], // two letters swapped
    ['insect', 'inspect'], // one is missing
    ['explains', 'explain'], // one too many
    ['chack', 'check'],
    ['rum', 'run'],
    ['', undefined],
    ['quit', undefined],
  ])('of "%s" is %s', (typed, meant) => {
    const names = COMMANDS.map(c => c.name)
    expect(nearest(typed, names)).toBe(meant)
  })
})
