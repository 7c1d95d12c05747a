/** A sync that is killed again and again ends, once it is let, in the state of one that never was. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { RunSummary } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeBlocks } from '../../bench/many-blocks.ts'

const BLOCKS = 2_000
const ROUNDS = 5
const KILLS_A_ROUND = 10
const ROOT = resolve(import.meta.dirname, '../..')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'blockgate-kill-'))
  makeBlocks(folder, BLOCKS)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(dir: string) {
  const args = ['--conditions=blockgate-source', join(ROOT, 'src/cli/main.ts'), 'sync', '--json']
  const config = ['--config', join(import.meta.dirname, 'blockgate.config.ts')]
  const env = { ...process.env, BUCKET: join(folder, 'bucket'), DIR: dir }
  const child = spawn(process.execPath, [...args, ...config], { cwd: ROOT, env })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const closed = once(child, 'close').then(([code]) => ({ code, stdout, stderr }))
  return { child, closed }
}

/** Every file below a gateway's folder, by what is in it; the blocks' own files by their place and content. */
function stateOf(dir: string): string[] {
  return globSync('**/*', { cwd: dir, withFileTypes: true })
    .filter(entry => entry.isFile() && basename(entry.parentPath) !== 'state')
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => `${path.slice(dir.length + 1)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)
    .sort()
}

it('a sync of 2,000 blocks, killed at 50 random moments, always ends in the same state, with nothing half there', async () => {
  const whole = join(folder, 'whole')
  const begun = performance.now()
  const reference = await start(whole).closed
  const usual = performance.now() - begun
  expect(reference).toMatchObject({ code: 0 })
  const expected = stateOf(whole)
  expect(expected.length).toBeGreaterThanOrEqual(BLOCKS)

  const { random } = fakeHost({ seed: 7 })
  let killed = 0
  for (let round = 0; round < ROUNDS; round++) {
    const dir = join(folder, `round-${round}`)
    for (let kill = 0; kill < KILLS_A_ROUND; kill++) {
      const { child, closed } = start(dir)
      await Promise.race([setTimeout(usual * random() * 0.6), closed])
      if (child.kill('SIGKILL')) killed++
      await closed
    }
    const { code, stdout, stderr } = await start(dir).closed
    const { blocks, failures } = JSON.parse(stdout) as RunSummary
    expect({ code, failures, stderr }).toEqual({ code: 0, failures: [], stderr: expect.any(String) })
    expect(blocks.added + blocks.unchanged).toBe(BLOCKS)
    expect(stateOf(dir)).toEqual(expected)
    rmSync(dir, { recursive: true, force: true })
  }
  expect(killed).toBeGreaterThan((ROUNDS * KILLS_A_ROUND) / 2)
}, 400_000)
