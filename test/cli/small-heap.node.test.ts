/** The commands that load blocks begin with a smaller young generation, unless somebody has chosen its size. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { argumentsAnew, type Self } from '../../src/cli/small-heap.ts'
import { start } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const self = (more: Partial<Self> = {}): Self => ({
  execPath: '/node',
  execArgv: ['--conditions=x'],
  argv: ['/node', '/main.js', 'run', '--config', 'a b'],
  env: {},
  ...more,
})

describe('the arguments to begin anew with', () => {
  it.each(['run', 'sync'])('are the same and the flag: %s', command => {
    const argv = ['/node', '/main.js', command, '--config', 'a b']
    const same = ['--conditions=x', '/main.js', command, '--config', 'a b']
    expect(argumentsAnew(self({ argv }))).toEqual(['/node', '--max-semi-space-size=8', ...same])
  })

  it.each<[string, Partial<Self>]>([
    ['another command', { argv: ['/node', '/main.js', 'check'] }],
    ['no command', { argv: ['/node', '/main.js'] }],
    ['a size in the arguments', { execArgv: ['--max-semi-space-size=64'] }],
    ['a size with underscores', { execArgv: ['--max_semi_space_size=64'] }],
    ['a size in the environment', { env: { NODE_OPTIONS: '--enable-source-maps --max-semi-space-size=2' } }],
    ['a channel to the parent', { connected: true }],
  ])('are none for %s', (_, more) => {
    expect(argumentsAnew(self(more))).toBeUndefined()
  })
})

it('a sync has the flag once, the same process id and its own arguments', async () => {
  const cwd = folder()
  writeFileSync(
    join(cwd, 'my config.ts'),
    'process.stderr.write(JSON.stringify([process.pid, process.execArgv, process.argv.slice(2)]) + "\\n")',
  )
  const { child, ended } = start(['sync', '--config', 'my config.ts'], { cwd })
  const [line = ''] = (await ended).stderr.split('\n')
  const args = ['--max-semi-space-size=8', '--conditions=blockgate-source']
  expect(JSON.parse(line)).toEqual([child.pid, args, ['sync', '--config', 'my config.ts']])
})
