import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../src/cli/cli.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { nearest } from '../../src/config/option-hints.ts'
import { blockgate } from '../support/cli.ts'
import { folder } from './world.ts'

const ROOT = join(import.meta.dirname, '../..')
const NAMES = COMMANDS.map(c => c.name)
const ALL = `the commands are ${NAMES.join(', ')}`

/** In this process: none of these lines comes to a config. */
async function run(...args: string[]) {
  let [stdout, stderr] = ['', '']
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  }
  const code = await main(args, { ...io, env: {}, cwd: folder() })
  return { code, stdout, stderr }
}

describe('blockgate', () => {
  it('--help names every command, the exit codes and examples, and exits with 0', async () => {
    const { code, stdout, stderr } = await blockgate(['--help'], { cwd: folder() })
    expect([code, stderr]).toEqual([0, ''])
    for (const { name, summary } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b.*  ${summary}$`, 'm'))
    expect(stdout).toContain('\nExit codes\n  0 ')
    expect(stdout).toContain('\nExamples\n  blockgate run\n')
  })

  it.each(NAMES)('%s --help tells its options and examples without a config', async name => {
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
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each([
    ['', `a command must be given: ${ALL}`],
    ['snyc', 'unknown command "snyc": did you mean "sync"?'],
    ['frobnicate', `unknown command "frobnicate": ${ALL}`],
    ['--jsn sync', 'unknown option --jsn of sync: did you mean "--json"?'],
    ['run --json', 'unknown option --json of run'],
    [
      'sync --confirm --wait=1m --jsno --jsno',
      'unknown option --confirm of sync: did you mean "--config"?; unknown option --wait of sync; unknown option --jsno of sync: did you mean "--json"?',
    ],
    ['--hepl', 'unknown option --hepl: did you mean "--help"?'],
    ['sync -x', 'unknown option -x of sync'],
    ['sync now', 'sync takes no argument: "now"'],
    ['explain', 'explain needs one argument, <ULID>: none is given'],
    ['explain a b', 'explain needs one argument, <ULID>: 2 are given'],
    ['sync --config', '--config must have a value: --config <file>'],
    ['sync --config --json', '--config must have a value: --config <file>'],
    ['sync --json=yes', '--json takes no value: current value is "yes"'],
    ['coverage --min 0', '--min must be a whole number >= 1: current value is "0"'],
    ['coverage --min 1.5', '--min must be a whole number >= 1: current value is "1.5"'],
    ['drain --wait 10', `--wait must be a time such as '90s' or '10m': current value is "10"`],
    [
      'drain --member ../x',
      'a member must be named by its id, 1 to 128 of A-Z a-z 0-9 . _ : -: current value is "../x"',
    ],
  ])('"%s" is bad usage: one line on stderr, exit code 2', async (line, message) => {
    const args = line.split(' ').filter(word => word !== '')
    expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr: `blockgate: ${message}\n` })
  })

  it('an option may stand before the command, and its value may be named like one', async () => {
    const { code, stderr } = await run('--config', 'sync', 'check')
    expect([code, stderr]).toEqual([2, expect.stringContaining('the config must be a file: there is no ')])
  })

  it('says in one line that a Node is too old, before it reads anything that such a Node cannot', async () => {
    const fake = "Object.defineProperty(process.versions, 'node', { value: '22.17.1' })"
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(fake)}`]
    const stderr = `blockgate: Node must be 22.18 or newer: this is 22.17.1 (${process.execPath})\n`
    expect(await blockgate(['check'], { cwd: folder(), nodeArgs })).toEqual({ code: 2, stdout: '', stderr })
    const text = readFileSync(join(ROOT, 'src/cli/main.ts'), 'utf8')
    expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect(text).not.toMatch(/^import\b/m)
  })
})

it.each([
  ['snyc', 'sync'], // two letters swapped
  ['insect', 'inspect'], // one is missing
  ['explains', 'explain'], // one too many
  ['chack', 'check'],
  ['rum', 'run'],
  ['', undefined],
  ['quit', undefined],
])('the name nearest to "%s" is %s', (typed, meant) => expect(nearest(typed, NAMES)).toBe(meant))
