// A catalogue of what one gateway has read, for the others: what a start by it costs, and what is never taken from it.
import { BlockgateError, type Bucket, ErrorCode, type RunReport } from 'blockgate'
import { catalogue } from 'blockgate/plugins/source/catalogue'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { type fakeHost, testId } from 'blockgate/testing'
import { crc32c } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../plugins/source/catalogue/entry.ts'
import { blocks } from '../../support/world.ts'
import { catalogueWorld, KEY } from './catalogue-world.ts'
import { metaJson } from './scan-harness.ts'

const MINUTE = 60_000

/** A bucket of blocks 1 to 4, and the catalogue that a first gateway has written. */
async function shared() {
  const world = catalogueWorld()
  for (const n of [1, 2, 3, 4]) await world.block(testId(n))
  const first = await world.gateway()
  await first.gateway.sync()
  await first.gateway.stop()
  return { ...world, first }
}

/** Starts it, and waits for the run that lists. */
async function started(at: Awaited<ReturnType<ReturnType<typeof catalogueWorld>['gateway']>>) {
  const first = await at.gateway.start()
  const from = at.calls.length
  const begun = at.calls.slice(0, from)
  // It comes by itself; this one comes behind it.
  await at.gateway.sync()
  await at.gateway.stop()
  const listed = at.gateway.results[first.summary.run.complete ? 0 : 1] as RunReport
  return { first, listed, begun, after: at.calls.slice(from) }
}

const metaOf = (n: number) => `get ${testId(n)}/meta.json`
const messages = (host: ReturnType<typeof fakeHost>) => host.lines.map(({ message }) => message)

describe('a start by the catalogue', () => {
  it('costs one GET, and one for each block of its own; the listing behind it reads nothing again', async () => {
    const { gateway, first } = await shared()
    expect(first.calls.filter(call => call.startsWith('put'))).toEqual([`put ${KEY}`])
    const second = await gateway({ own: [1, 2] })
    const { first: run, listed, begun, after } = await started(second)
    expect(begun).toEqual([`get ${KEY}`, metaOf(1), metaOf(2)])
    expect(run.summary.run.restsOn).toBe('the catalogue of 2026-01-01T00:00:00.000Z')
    expect(after.filter(call => !call.startsWith('list'))).toEqual([])
    expect(listed.summary).toMatchObject({ run: { complete: true }, blocks: { seen: 4, unchanged: 2, dropped: 0 } })
  })

  it('confirms later what it had learned of a block that becomes its own', async () => {
    const { gateway } = await shared()
    const owning = await gateway({ own: [1] })
    await owning.gateway.start()
    await owning.gateway.sync()
    const plan = owning.gateway.plan.ownership as unknown as { gain(...numbers: readonly number[]): void }
    plan.gain(3)
    const from = owning.calls.length
    await owning.gateway.sync()
    expect(owning.calls.slice(from).filter(call => call.startsWith('get'))).toEqual([metaOf(3)])
    expect(owning.numbers()).toEqual([1, 3])
    await owning.gateway.stop()
  })

  it('in a run that nobody follows lists, and reads no meta but to confirm', async () => {
    const { gateway } = await shared()
    const one = await gateway({ own: [2] })
    const run = await one.gateway.sync()
    expect(run.summary.run.complete).toBe(true)
    expect(one.calls).toEqual([`get ${KEY}`, 'list ', metaOf(2)])
    await one.gateway.stop()
  })

  it('finds what came since in the listing, and what went', async () => {
    const { gateway, block, remove } = await shared()
    await block(testId(5))
    await remove(testId(1))
    const { first, listed } = await started(await gateway())
    expect(first.summary.blocks).toMatchObject({ seen: 4, added: 3, failed: 0, skipped: 1 })
    expect(first.summary.stages[0]?.skipped).toEqual({ 'no-meta-json': 1 })
    expect(listed.summary.blocks).toMatchObject({ seen: 4, added: 1, unchanged: 3, dropped: 0 })
  })

  it('drops nothing, also where the catalogue has no block at all', async () => {
    const { gateway, write } = await shared()
    await write([])
    const at = await gateway()
    at.sink.hold(...blocks(1, 2))
    const { first, listed } = await started(at)
    expect(first.summary).toMatchObject({ run: { complete: false }, blocks: { seen: 0, dropped: 0 } })
    expect(listed.summary.blocks).toMatchObject({ seen: 4, unchanged: 2, added: 2, dropped: 0 })
  })
})

describe('a catalogue that is not used: the bucket is listed', () => {
  const cases: readonly (readonly [string, (world: Awaited<ReturnType<typeof shared>>) => Promise<unknown>, RegExp])[] =
    [
      [
        'missing',
        ({ store }) => store.delete(KEY, { signal: new AbortController().signal }),
        /not used.*there is none/,
      ],
      ['too old', async ({ clock }) => clock.advance(121 * MINUTE), /not used.*too old \(option maxAge\)/],
      ['still to come', async ({ clock }) => clock.step(-6 * MINUTE), /not used.*still to come/],
      ['empty', ({ put }) => put(KEY, ''), /the catalogue is damaged/],
      ['something else', ({ put }) => put(KEY, '{"version":1,"blocks":[]}'.padEnd(80)), /the catalogue is damaged/],
      [
        'cut off',
        async ({ put, bytes }) => put(KEY, (await bytes(KEY))?.subarray(0, -1) ?? ''),
        /the catalogue is damaged/,
      ],
    ]
  it.each(cases)('%s', async (_, spoil, said) => {
    const world = await shared()
    await spoil(world)
    const at = await world.gateway()
    const { first } = await started(at)
    expect(first.summary).toMatchObject({ run: { complete: true }, blocks: { seen: 4, added: 4 } })
    expect(messages(at.host).some(message => said.test(message))).toBe(true)
  })

  it('one that cannot be read', async () => {
    const { gateway, store } = await shared()
    const bucket: Bucket = {
      ...store,
      get: async (key, how) => {
        if (key !== KEY) return await store.get(key, how)
        throw new BlockgateError(ErrorCode.bucketFailed, 'no')
      },
    }
    const { first } = await started(await gateway({ bucket, options: { write: false } }))
    expect(first.summary).toMatchObject({ run: { complete: true }, blocks: { added: 4 } })
  })

  it('one that is larger than its limit', async () => {
    const { gateway } = await shared()
    const { first } = await started(await gateway({ options: { limit: 50, write: false } }))
    expect(first.summary.run.complete).toBe(true)
  })
})

describe('an entry that is not so', () => {
  const changed = (entries: readonly Entry[], n: number, labels: Readonly<Record<string, string>>): Entry[] =>
    entries.map(([candidate, reads]) => [
      candidate.meta.ulid === testId(n) ? { ...candidate, meta: { ...candidate.meta, labels } } : candidate,
      reads,
    ])

  it('of the same meta.json is a lie: the block is never shown by it, and nothing is taken from the catalogue any more', async () => {
    const { gateway, entries, write } = await shared()
    await write(changed(await entries(), 2, { cluster: 'asia' }))
    const at = await gateway({ own: [2] })
    const { first, listed, after } = await started(at)
    expect(first.summary.failures).toMatchObject([
      { by: 'catalogue', code: 'catalogue-wrong', message: 'meta.json says something else than the catalogue: labels' },
    ])
    expect(at.host.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'the catalogue lies about a block, and nothing is taken from it any more: each block is read',
    ])
    expect(after.filter(call => call.startsWith('get')).toSorted()).toEqual([1, 2, 3, 4].map(metaOf))
    expect(listed.summary.blocks).toMatchObject({ added: 1, failed: 0 })
    expect(at.sink.loaded().get(testId(2))?.meta.labels).toEqual({ cluster: 'eu' })
  })

  it('of a meta.json that was written since is served as it is now', async () => {
    const { gateway, block, clock } = await shared()
    await clock.advance(2_000)
    await block(testId(2), { maxTime: 14_400_000 })
    const at = await gateway({ own: [1, 2] })
    const { first, listed } = await started(at)
    expect(first.summary.blocks).toMatchObject({ added: 1, failed: 1 })
    expect(listed.summary.blocks).toMatchObject({ added: 1, unchanged: 1 })
    expect(at.sink.loaded().get(testId(2))?.meta.maxTime).toBe(14_400_000)
    expect(at.host.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('never lets go of a block that is loaded', async () => {
    const { gateway, entries, write } = await shared()
    await write(changed(await entries(), 2, { cluster: 'us' }))
    const at = await gateway()
    at.sink.hold(...blocks(2))
    const { first, listed } = await started(at)
    expect([first, listed].map(({ summary }) => summary.blocks.dropped)).toEqual([0, 0])
    expect(at.numbers()).toEqual([1, 2, 3, 4])
  })

  it('of files that are not there keeps the block out, until the listing says what is there', async () => {
    const { gateway, entries, write, put } = await shared()
    const files = [{ rel_path: 'index', size_bytes: 5 }]
    await put(`${testId(2)}/meta.json`, metaJson(testId(2), { thanos: { files } }))
    const told = (await entries()).map(
      ([block, reads]): Entry => [{ ...block, meta: { ...block.meta, files: [{ path: 'index', size: 9 }] } }, reads],
    )
    await write(told)
    const { first, listed } = await started(await gateway({ own: [2] }))
    expect(first.summary.failures.map(({ message }) => message)).toEqual([
      'meta.json says something else than the catalogue: labels, source, index',
    ])
    expect(listed.summary.blocks.added).toBe(1)
  })
})

describe('the writing', () => {
  it('comes after a complete listing, and not again before it is due', async () => {
    const { gateway, clock, entries, block } = await shared()
    expect((await entries()).map(([{ meta }]) => meta.ulid)).toEqual([1, 2, 3, 4].map(n => testId(n)))
    const at = await gateway()
    await started(at)
    await block(testId(5))
    const later = await gateway()
    await clock.advance(9 * MINUTE)
    await later.gateway.sync()
    await clock.advance(2 * MINUTE)
    expect(later.calls.filter(call => call.startsWith('put'))).toEqual([])
    await later.gateway.sync()
    await later.gateway.stop()
    expect(later.calls.filter(call => call.endsWith(KEY))).toEqual([`get ${KEY}`, `get ${KEY}`, `put ${KEY}`])
    expect(await entries()).toHaveLength(5)
  })

  it('leaves one alone that another gateway has written meanwhile', async () => {
    const { gateway, clock } = await shared()
    const [a, b] = [await gateway(), await gateway()]
    for (const { gateway } of [a, b]) await gateway.sync()
    await clock.advance(11 * MINUTE)
    for (const { gateway } of [a, b]) {
      await gateway.sync()
      await gateway.stop()
    }
    expect([a, b].map(({ calls }) => calls.filter(call => call === `put ${KEY}`).length)).toEqual([1, 0])
  })

  it('of two at once has one winner', async () => {
    const world = catalogueWorld()
    await world.block(testId(1))
    const both = [await world.gateway(), await world.gateway()]
    await Promise.all(both.map(({ gateway }) => gateway.sync()))
    await Promise.all(both.map(({ gateway }) => gateway.stop()))
    const told = both.flatMap(({ calls }) => calls.filter(call => call === `put ${KEY}`))
    expect(told).toHaveLength(2)
    expect(messages(world.clock).filter(message => message === 'the catalogue was written')).toHaveLength(1)
  })

  const refusing = (store: Bucket, refuse: (how: Parameters<Bucket['put']>[2]) => void): Bucket => ({
    ...store,
    put: async (key, body, how) => {
      refuse(how)
      return await store.put(key, body, how)
    },
  })

  it('to a store without conditions is a plain put', async () => {
    const world = catalogueWorld()
    const bucket = refusing(world.store, how => {
      if (how.if) throw new BlockgateError(ErrorCode.unsupported, 'no conditions')
    })
    const at = await world.gateway({ bucket })
    await at.gateway.sync()
    await at.gateway.stop()
    expect(await world.bytes(KEY)).toBeDefined()
  })

  it('that is not allowed is told once, and not tried again', async () => {
    const world = catalogueWorld()
    const bucket = refusing(world.store, () => {
      throw Object.assign(new BlockgateError(ErrorCode.bucketFailed, 'access denied'), {
        status: 403,
        retryable: false,
      })
    })
    const at = await world.gateway({ bucket })
    await at.gateway.sync()
    await world.clock.advance(11 * MINUTE)
    await at.gateway.sync()
    await at.gateway.stop()
    expect(at.calls.filter(call => call.startsWith('put'))).toHaveLength(1)
    expect(messages(world.clock).filter(message => message.startsWith('the catalogue cannot be written'))).toEqual([
      'the catalogue cannot be written: no other try is made',
    ])
  })

  it('is not done by who only looks, nor where the config says so, nor after a listing that failed', async () => {
    const world = catalogueWorld()
    await world.block(testId(1))
    const failing: Bucket = {
      ...world.store,
      list: async () => {
        throw Object.assign(new BlockgateError(ErrorCode.bucketFailed, 'no'), { retryable: false })
      },
    }
    for (const given of [{ observer: true }, { options: { write: false } }, { bucket: failing }]) {
      const at = await world.gateway(given)
      const run = at.gateway.sync()
      await world.clock.advance(MINUTE)
      await run
      await at.gateway.stop()
    }
    expect(await world.bytes(KEY)).toBeUndefined()
  })

  it('never takes the place of one that a later build has written', async () => {
    const { gateway, put, bytes, clock } = await shared()
    const object = (await bytes(KEY)) as Uint8Array
    object[4] = 9
    new DataView(object.buffer).setUint32(36, crc32c(object.subarray(0, 36)), true)
    await put(KEY, object)
    await clock.advance(30 * MINUTE)
    const at = await gateway()
    const { first } = await started(at)
    expect(first.summary.run.complete).toBe(true)
    expect(at.calls.filter(call => call.startsWith('put'))).toEqual([])
    expect(messages(clock)).toContain(
      'the catalogue is not used, and the bucket is listed: it has version 9: this build reads 1',
    )
  })
})

it('checks its options and those of its source', () => {
  const wrong = { source: scanBucket({ concurrency: 0 }), maxAge: 'soon', limit: 0 } as unknown as Parameters<
    typeof catalogue
  >[0]
  expect(
    catalogue(wrong)
      .check?.()
      .map(({ path }) => path),
  ).toEqual(['maxAge', 'limit', 'source.concurrency'])
  expect(catalogue({} as Parameters<typeof catalogue>[0]).check?.()).toMatchObject([{ path: 'source' }])
})
