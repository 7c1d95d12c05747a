import { BlockgateError, type BlockId, type Bucket } from 'blockgate'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { memoryBucket, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness } from './scan-harness.ts'

const HOUR = 3_600_000
/** Made at that hour, the `n`th in it. */
const id = (hour: number, n = 0): BlockId => testId(hour * HOUR + n)

/** Blocks of each hour from 1 to 24, listed once with three pages and more. */
async function listed(options: Parameters<typeof harness>[0] = {}, store?: Bucket): Promise<Harness> {
  const h = await harness(options, { pageSize: 30, ...(store && { store }) })
  for (let hour = 1; hour <= 24; hour++) await h.block(id(hour))
  await h.run()
  return h
}

describe('a look of scanBucket at new blocks', () => {
  it('shows what is newer than the newest block but six hours, with one LIST and a GET for each new meta', async () => {
    const h = await listed()
    const idle = await h.look()
    expect(idle).toMatchObject({ complete: true, lists: ['list '], gets: [] })
    expect(idle?.ids).toEqual([18, 19, 20, 21, 22, 23, 24].map(hour => id(hour)))
    await h.block(id(25))
    await h.block(id(18, 5))
    const seen = await h.look()
    expect(seen?.ids).toEqual(
      [18, 19, 20, 21, 22, 23, 24, 25].flatMap(hour => (hour === 18 ? [id(18), id(18, 5)] : [id(hour)])),
    )
    expect(seen?.gets).toEqual([`get ${id(18, 5)}/meta.json`, `get ${id(25)}/meta.json`])
    // The newest one is another now.
    expect((await h.look())?.ids[0]).toBe(id(19))
  })

  it('leaves to the next full listing what comes behind the margin', async () => {
    const h = await listed({ margin: '2h' })
    await h.block(id(3, 1))
    expect((await h.look())?.ids).toEqual([22, 23, 24].map(hour => id(hour)))
    await h.host.advance(HOUR)
    expect(await h.look()).toBeUndefined()
    expect((await h.run()).ids).toContain(id(3, 1))
    expect(await h.look()).toBeDefined()
  })

  it('comes only after a full listing that was complete, until one is due', async () => {
    const h = await harness({ fullEvery: '10m' }, { pageSize: 30 })
    for (let hour = 1; hour <= 24; hour++) await h.block(id(hour))
    expect(await h.look()).toBeUndefined()
    h.before = () => {
      throw new BlockgateError('bucket-failed', '503')
    }
    expect((await h.patientRun()).complete).toBe(false)
    h.before = () => {}
    expect(await h.look()).toBeUndefined()
    await h.run()
    await h.host.advance(599_000)
    expect(await h.look()).toBeDefined()
    await h.host.advance(1_000)
    expect(await h.look()).toBeUndefined()
  })

  it('is none where a full listing is as cheap, where each listing is to be one, and with folders', async () => {
    const small = await harness({}, { pageSize: 30 })
    for (let hour = 1; hour <= 13; hour++) await small.block(id(hour))
    expect((await small.run()).lists).toHaveLength(2)
    expect(await small.look()).toBeUndefined()
    expect(await (await listed({ fullEvery: '0s' })).look()).toBeUndefined()
    expect(await (await listed({ listing: 'delimited' })).look()).toBeUndefined()
  })

  it('is the last one where the bucket lists from the start whatever it is told; what it shows is right', async () => {
    const store = memoryBucket({ pageSize: 30 }) as Bucket
    const deaf: Bucket = { ...store, list: (prefix, { after: _, ...rest }) => store.list(prefix, rest) }
    const h = await listed({}, deaf)
    const seen = await h.look()
    expect(seen?.ids).toEqual([18, 19, 20, 21, 22, 23, 24].map(hour => id(hour)))
    expect(await h.look()).toBeUndefined()
  })

  it('starts before now where a block has a ULID of the future', async () => {
    const h = await listed()
    await h.block(id(1_000))
    await h.run()
    await h.block(id(22, 1))
    expect((await h.look({ now: 25 * HOUR }))?.ids).toEqual([
      ...[19, 20, 21, 22].map(hour => id(hour)),
      id(22, 1),
      ...[23, 24, 1_000].map(hour => id(hour)),
    ])
  })

  it('forgets nothing of what it does not show, and what it reads is kept over a restart', async () => {
    const h = await listed()
    await h.block(id(25))
    await h.look()
    const again = await h.restarted()
    expect(await again.look()).toBeUndefined()
    expect(await again.run()).toMatchObject({ gets: [], complete: true })
    expect((await again.look())?.ids).toContain(id(25))
  })

  it('waits for one more full listing where what is not whole is not the same as before; what is new is looked at anyway', async () => {
    const h = await listed()
    await h.delete(`${id(2)}/index`)
    await h.run()
    expect(await h.look()).toBeUndefined()
    await h.run()
    expect(await h.look()).toBeDefined()
    await h.put(`${id(2)}/index`, 'index')
    await h.run()
    expect(await h.look()).toBeUndefined()
    await h.run()
    await h.block(id(25), null)
    await h.run()
    expect((await h.look())?.partial).toEqual([`${id(25)} no-meta-json false`])
  })

  it('shows a mark on a new block', async () => {
    const h = await listed()
    await h.mark(id(24), 100)
    const seen = await h.look()
    expect(seen?.blocks.at(-1)).toMatchObject({ meta: { ulid: id(24) }, deletionTime: 100_000 })
  })

  it('is incomplete where the listing fails', async () => {
    const h = await listed()
    h.before = () => {
      throw new BlockgateError('bucket-failed', '503')
    }
    const look = h.look()
    await h.host.advance(60_000)
    expect(await look).toMatchObject({ complete: false, ids: [] })
  })

  it.each(['30m', 'soon'])('has a margin of an hour at least: %s', margin => {
    expect(scanBucket({ margin }).check?.()).toMatchObject([{ path: 'margin' }])
  })
})
