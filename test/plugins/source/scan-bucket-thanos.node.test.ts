/** The metas that a Thanos store keeps in its data folder are read in place of the objects, where they are theirs. */
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFiles } from 'blockgate'
import { fakeHost, memoryBucket, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { localFiles } from '../../../src/runtime/node.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { harness, metaJson } from './scan-harness.ts'

const folder = tempFolders()
const [ID1, ID2] = [testId(1), testId(2, 1)]
const GET = `get ${ID1}/meta.json`
/** Objects of the bucket in memory are written when its host says. */
const WRITTEN = Date.UTC(2026, 0, 1)

/** A meta that says how many bytes the index has. */
const declaring = (bytes: number) => ({
  thanos: {
    version: 1,
    labels: { cluster: 'eu' },
    downsample: { resolution: 0 },
    source: 'sidecar',
    files: [{ rel_path: 'index', size_bytes: bytes }],
  },
})
const meta = (id = ID1, bytes = 5) => metaJson(id, declaring(bytes))

/** Two blocks in the bucket, and a copy of the meta of the first one. */
async function world(copy: string, minutesLater = 1, wrap = (files: LocalFiles) => files, now = WRITTEN) {
  const root = folder()
  await mkdir(join(root, 'meta-syncer', ID1), { recursive: true })
  const path = join(root, 'meta-syncer', ID1, 'meta.json')
  await writeFile(path, copy)
  const time = new Date(WRITTEN + minutesLater * 60_000)
  await utimes(path, time, time)
  const store = memoryBucket({ host: fakeHost({ now }) })
  const made = await harness({}, { store, files: wrap(localFiles(root)) })
  for (const id of [ID1, ID2]) await made.block(id, declaring(5))
  return made
}

describe('a copy of a meta', () => {
  it('is read in place of the object, and is not read again', async () => {
    const made = await world(meta())
    const { blocks, gets } = await made.run()
    expect(gets).toEqual([`get ${ID2}/meta.json`])
    const plain = await harness()
    for (const id of [ID1, ID2]) await plain.block(id, declaring(5))
    expect(blocks).toEqual((await plain.run()).blocks)
    expect((await made.run()).gets).toEqual([])
    expect(made.logged('warn')).toEqual([])
  })

  it.each<[string, string, number]>([
    ['is older than the object', meta(), -1],
    ['is of another size', `${meta()} `, 1],
    ['is no JSON', 'x'.repeat(meta().length), 1],
    ['is of another block', meta(ID2), 1],
    ['names files that are not there', meta(ID1, 6), 1],
  ])('is not taken where it %s', async (_, copy, minutes) => {
    const made = await world(copy, minutes)
    const { ids, gets, partial } = await made.run()
    expect([ids, partial]).toEqual([[ID1, ID2], []])
    expect(gets).toContain(GET)
  })

  it('is not taken where the store does not say when the object was written', async () => {
    const made = await world(meta(), 1, files => files, 0)
    expect((await made.run()).gets).toContain(GET)
  })

  it('is not taken for an object that was written anew', async () => {
    const made = await world(meta())
    await made.run()
    await made.put(`${ID1}/meta.json`, metaJson(ID1, { maxTime: 7_100_000 }))
    const { blocks, gets } = await made.run()
    expect([gets, blocks[0]?.meta.maxTime]).toEqual([[GET], 7_100_000])
  })

  it('that cannot be read is no reason to fail', async () => {
    const broken = async () => Promise.reject(new Error('the disk is gone'))
    const none = await world(meta(), 1, files => ({ ...files, folders: broken }))
    expect((await none.run()).ids).toEqual([ID1, ID2])
    expect(none.logged('warn')).toEqual([])
    const unread = await world(meta(), 1, files => ({ ...files, read: broken }))
    expect((await unread.run()).gets).toContain(GET)
  })
})
