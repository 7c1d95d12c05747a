/** What a start checks of the headers on the disk, and what is checked later. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Candidate, gateway, type LocalFiles, memoryState, owned, resolveConfig } from 'blockgate'
import { fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { indexFile } from '../../support/index-file.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { scriptedOwnership, scriptedSource } from '../../support/world.ts'
import { add, type World, world } from './index-headers-world.ts'

const folder = tempFolders()
const { signal } = new AbortController()
const large = indexFile({ series: [[['a', 'x'.repeat(300_000)]]] })

/** Three blocks with large headers; of the second one's, a byte in the middle is another. */
async function damagedWorld(): Promise<World & { readonly blocks: readonly Candidate[]; readonly bad: Candidate }> {
  const before = await world({ root: folder() })
  const blocks: Candidate[] = []
  for (const n of [1, 2, 3]) {
    const block = await storedIndex(before.store, n, large)
    await add(before.sink, block)
    blocks.push(block)
  }
  await before.sink.stop?.(signal)
  const bad = blocks[1] as Candidate
  const path = join(before.root, bad.meta.ulid, 'index-header')
  const bytes = await readFile(path)
  bytes[100_000] = (bytes[100_000] ?? 0) ^ 1
  await writeFile(path, bytes)
  return { ...before, blocks, bad }
}

/** The files, and how many bytes of headers were read. */
function counted(files: LocalFiles) {
  const seen = { bytes: 0 }
  const counting: LocalFiles = {
    ...files,
    async read(path, offset, length) {
      if (path.endsWith('index-header')) seen.bytes += length
      return await files.read(path, offset, length)
    },
  }
  return { seen, counting }
}

describe('indexHeaders after a restart', () => {
  it('reads the ends of large headers at the start, all of them later, and tells of a damaged one', async () => {
    const { services, bad, blocks } = await damagedWorld()
    const host = fakeHost()
    const gate = Promise.withResolvers<void>()
    const { seen, counting } = counted(services.files)
    const files: LocalFiles = {
      ...counting,
      async read(path, offset, length) {
        if (path.endsWith('index-header') && length > 1_000) await gate.promise
        return await counting.read(path, offset, length)
      },
    }
    const sink = indexHeaders()
    await sink.start?.({ ...services, host, files })
    // 14 bytes at the beginning and 72 at the end of each.
    expect(seen.bytes).toBe(3 * 86)
    expect(sink.loaded().size).toBe(3)
    expect(sink.damaged?.().size).toBe(0)
    gate.resolve()
    while (host.lines.length === 0) await settle()
    expect(host.lines).toMatchObject([{ level: 'warn', fields: { block: bad.meta.ulid } }])
    expect([...(sink.damaged?.() ?? [])]).toEqual([bad.meta.ulid])
    // Until a run has taken its claim back it is there.
    expect([...sink.loaded().keys()].toSorted()).toEqual(blocks.map(b => b.meta.ulid))
    await sink.stop?.(signal)
  })

  it('a header whose end is damaged does not show', async () => {
    const { services, blocks, root } = await damagedWorld()
    const cut = blocks[0]?.meta.ulid ?? ''
    const bytes = await readFile(join(root, cut, 'index-header'))
    bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 1
    await writeFile(join(root, cut, 'index-header'), bytes)
    const sink = indexHeaders()
    await sink.start?.({ ...services, host: fakeHost() })
    expect([...sink.loaded().keys()]).not.toContain(cut)
    await sink.stop?.(signal)
  })

  it('a stop ends the check, and nothing is read after it', async () => {
    const { services } = await damagedWorld()
    const { seen, counting } = counted(services.files)
    const sink = indexHeaders()
    await sink.start?.({ ...services, host: fakeHost(), files: counting })
    await sink.stop?.(signal)
    const { bytes } = seen
    await settle()
    expect(seen.bytes).toBe(bytes)
    // One header may have been on its way.
    expect(bytes).toBeLessThan(1_000_000)
  })

  it('an observer checks no more than the ends', async () => {
    const { services } = await damagedWorld()
    const { seen, counting } = counted(services.files)
    const sink = indexHeaders()
    await sink.start?.({ ...services, observer: true, host: fakeHost(), files: counting })
    for (let i = 0; i < 20; i++) await settle()
    expect(seen.bytes).toBe(3 * 86)
    await sink.stop?.(signal)
  })

  it('the next run takes the claim of a damaged one back, drops it, and builds it again', async () => {
    const { services, bad, blocks, bucket } = await damagedWorld()
    const host = fakeHost()
    const ownership = scriptedOwnership([1, 2, 3])
    const config = await resolveConfig(
      { pipeline: [scriptedSource([...blocks]), owned(ownership), indexHeaders()], bucket },
      { env: {} },
    )
    const { gets } = bucket
    gets.length = 0
    const gate = gateway(config, { host, state: memoryState(), files: services.files })
    // The first run may come before the check is through.
    await gate.sync()
    while (!host.lines.some(({ message }) => message.includes('damaged'))) await settle()
    ownership.log.length = 0
    await gate.sync()
    const told = ownership.log.filter(line => !line.startsWith('claim 1') && !line.startsWith('claim 3'))
    expect(told).toEqual(['serve -2', 'claim 2', 'serve +2', 'dispose 2'])
    expect(gate.catalogue.get(bad.meta.ulid)?.events.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual(
      expect.arrayContaining(['dropped damaged', 'added ']),
    )
    expect(config.plan.sink.stage.damaged?.().size).toBe(0)
    expect(gets.length).toBeGreaterThan(0)
    await gate.stop()
    const again = indexHeaders()
    const quiet = fakeHost()
    await again.start?.({ ...services, host: quiet })
    while (!(again.loaded().size === 3)) await settle()
    await again.stop?.(signal)
    expect(quiet.lines).toEqual([])
  })
})
