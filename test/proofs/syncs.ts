/** What the proofs share: many blocks, the real command line, and a gateway's folder as something to compare. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Running, start } from '../support/cli.ts'

export const BLOCKS = 2_000

/** `blockgate sync --json` with the config beside this file. */
export function startSync(env: Readonly<Record<string, string>>): Running {
  const config = join(import.meta.dirname, 'blockgate.config.ts')
  return start(['sync', '--json', '--config', config], { cwd: import.meta.dirname, env })
}

/** Every file below a gateway's folder, by its place and content; without the engine's own state. */
export function stateOf(dir: string): string[] {
  return globSync('**/*', { cwd: dir, withFileTypes: true })
    .filter(entry => entry.isFile() && basename(entry.parentPath) !== 'state')
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => `${path.slice(dir.length + 1)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)
    .sort()
}
