// Writers with clocks that differ, slow ones, rollbacks and damage, in any order: what is read is never older than it may be, and never empty by mistake.
import type { Bucket } from 'blockgate'
import { candidate, fakeHost, memoryBucket, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { pack } from '../../../plugins/source/catalogue/entries.ts'
import { CatalogueWriter, KEY, read } from '../../../plugins/source/catalogue/object.ts'

const MINUTE = 60_000
const LIMITS = { maxAgeMs: 60 * MINUTE, everyMs: 10 * MINUTE, limit: 1 << 20 }
const { signal } = new AbortController()

/** Plays a schedule, and gives what is wrong. `isBroken`: a writer that takes no notice of what is there. */
async function schedule(seed: number, isBroken = false): Promise<string[]> {
  const host = fakeHost({ seed })
  const store = memoryBucket()
  const kept: Uint8Array[] = []
  const wrong: string[] = []
  let newest = Number.NEGATIVE_INFINITY
  let isWhole = true
  const bucket: Bucket = { ...store, put: (key, body, how) => store.put(key, body, isBroken ? { signal } : how) }
  const writers = [0, 0, 0].map(() => new CatalogueWriter({ ...LIMITS, bucket, host }))
  for (let step = 0; step < 30; step++) {
    await host.advance(Math.floor(host.random() * 15 * MINUTE))
    const now = host.now()
    const kind = host.random()
    if (kind < 0.5) {
      // Two that have listed, one of them long ago, write at once.
      const [a, b] = [now, now - Math.floor(host.random() * 40 * MINUTE)]
      const entries = [[candidate({ ulid: testId(step + 1) }), undefined]] as const
      const at = Math.floor(host.random() * 3)
      if (isBroken) for (const listed of [a, b]) await bucket.put(KEY, await pack(host, entries, listed), { signal })
      else await Promise.all([a, b].map((listed, i) => writers[(at + i) % 3]?.write(entries, listed, signal)))
      if (!isBroken) isWhole = true
    } else if (kind < 0.6 && kept.length > 0) {
      await store.put(KEY, kept[Math.floor(host.random() * kept.length)] as Uint8Array, { signal })
      newest = Number.NEGATIVE_INFINITY
      isWhole = true
    } else if (kind < 0.7) {
      await store.put(KEY, new Uint8Array(50), { signal })
      newest = Number.NEGATIVE_INFINITY
      isWhole = false
    }
    const found = await read({ ...LIMITS, bucket: store, host }, signal)
    if (found && found.blocks !== 1) wrong.push(`seed ${seed}: an empty one`)
    if (found && now - found.listed > LIMITS.maxAgeMs) wrong.push(`seed ${seed}: too old`)
    if (found && found.listed < newest) wrong.push(`seed ${seed}: an older one took the place of a newer`)
    if (found && !isWhole) wrong.push(`seed ${seed}: damage is used`)
    if (found) newest = found.listed
    const body = await store.get(KEY, { signal })
    if (body && found) kept.push(await body.bytes(1 << 20))
  }
  return wrong
}

it('holds in any order', async () => {
  for (let seed = 1; seed <= 40; seed++) expect(await schedule(seed)).toEqual([])
})

it('is found out where a writer takes no notice of what is there', async () => {
  const wrong: string[] = []
  for (let seed = 1; seed <= 10; seed++) wrong.push(...(await schedule(seed, true)))
  expect(wrong.join()).toContain('an older one took the place of a newer')
})
