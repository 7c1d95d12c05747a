/** A sync whose disk fills up leaves nothing half there, says so, and goes on when there is room. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from 'blockgate'
import { afterAll, expect, it } from 'vitest'
import { makeBlocks } from '../../bench/many-blocks.ts'
import { smallDisk } from '../support/small-disk.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { BLOCKS, startSync, stateOf } from './syncs.ts'

const tempFolder = tempFolders()
const DIR = mkdtempSync(join(tmpdir(), 'blockgate-full-'))
afterAll(() => rmSync(DIR, { recursive: true, force: true }))
smallDisk(DIR, 8 * 1024 * 1024)

it('a sync of 2,000 blocks onto a disk that fills up fails the rest with disk-full, and a later one ends in the usual state', async () => {
  const folder = tempFolder()
  const BUCKET = makeBlocks(folder, BLOCKS)
  const whole = join(folder, 'whole')
  expect(await startSync({ BUCKET, DIR: whole }).ended).toMatchObject({ code: 0 })
  const expected = stateOf(whole)

  const full = await startSync({ BUCKET, DIR }).ended
  expect(full.code).toBe(1)
  const { blocks, failures } = JSON.parse(full.stdout) as RunSummary
  expect(blocks.added).toBeGreaterThan(100)
  expect(blocks.added + blocks.failed).toBe(BLOCKS)
  expect(new Set(failures.map(f => f.code))).toEqual(new Set(['disk-full']))
  // What is there is whole and right, and what was given up has left no bytes.
  const held = stateOf(DIR)
  for (const file of held) expect(expected).toContain(file)
  expect(held).toHaveLength((expected.length / BLOCKS) * blocks.added)

  execFileSync('mount', ['-o', 'remount,size=64m', DIR])
  expect(await startSync({ BUCKET, DIR }).ended).toMatchObject({ code: 0 })
  expect(stateOf(DIR)).toEqual(expected)
}, 300_000)
