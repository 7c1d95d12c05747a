/** A sync that is killed again and again ends, once it is let, in the state of one that never was. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { RunSummary } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { makeBlocks } from '../../bench/many-blocks.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { BLOCKS, startSync, stateOf } from './syncs.ts'

const ROUNDS = 5
const KILLS_A_ROUND = 10
const tempFolder = tempFolders()

it('a sync of 2,000 blocks, killed at 50 random moments, always ends in the same state, with nothing half there', async () => {
  const folder = tempFolder()
  const BUCKET = makeBlocks(folder, BLOCKS)
  const begun = performance.now()
  const whole = join(folder, 'whole')
  expect(await startSync({ BUCKET, DIR: whole }).ended).toMatchObject({ code: 0 })
  const usual = performance.now() - begun
  const expected = stateOf(whole)
  expect(expected.length).toBeGreaterThanOrEqual(BLOCKS)

  const { random } = fakeHost({ seed: 7 })
  let killed = 0
  for (let round = 0; round < ROUNDS; round++) {
    const DIR = join(folder, `round-${round}`)
    for (let kill = 0; kill < KILLS_A_ROUND; kill++) {
      const { child, ended } = startSync({ BUCKET, DIR })
      await Promise.race([setTimeout(usual * random() * 0.6), ended])
      if (child.kill('SIGKILL')) killed++
      await ended
    }
    const { code, stdout } = await startSync({ BUCKET, DIR }).ended
    const { blocks, failures } = JSON.parse(stdout) as RunSummary
    expect({ code, failures }).toEqual({ code: 0, failures: [] })
    expect(blocks.added + blocks.unchanged).toBe(BLOCKS)
    expect(stateOf(DIR)).toEqual(expected)
    rmSync(DIR, { recursive: true, force: true })
  }
  expect(killed).toBeGreaterThan((ROUNDS * KILLS_A_ROUND) / 2)
}, 400_000)
