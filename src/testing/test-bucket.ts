/** Conformance tests of buckets: every Bucket runs them, raw and behind `prefixed()`. */
import type { Bucket } from '../contracts/host.ts'
import { assertEqual, type Runner } from './assert.ts'
import { bodyCases, rangeCases } from './bucket/bodies.ts'
import { keyCases } from './bucket/keys.ts'
import { listingCases, unreadableCases } from './bucket/listing.ts'
import { conditionCases, objectCases } from './bucket/objects.ts'
import { type BucketFixture, type BucketKit, withSubject } from './bucket/subject.ts'

export interface TestBucketOptions {
  /** What the report calls the bucket. */
  readonly name: string
  /** An empty bucket for one case, which is started and stopped for it. */
  readonly factory: () => Promise<BucketFixture> | BucketFixture
  /**
   * Makes a folder of objects (`b/`) one that the bucket cannot read, as another user's is on a disk. Without it the cases of
   * what cannot be read are left out.
   */
  readonly spoil?: ((bucket: Bucket, folder: string) => Promise<void> | void) | undefined
  /** What an object cannot tell of itself. */
  readonly supports?: BucketSupports | undefined
}

export interface BucketSupports {
  /** False where the store knows no conditions; then `put` with one must fail with `unsupported`. Default true. */
  readonly conditionalPut?: boolean | undefined
}

/**
 * Registers the cases with a runner: Vitest, `node:test`, or Deno's `jsr:@std/testing/bdd`. Each has a bucket of its own,
 * so they may run in any order.
 *
 * @example testBucket({ describe, it }, { name: 'memory', factory: () => ({ bucket: memory() }) })
 */
export function testBucket(runner: Runner, options: TestBucketOptions): void {
  const { name, factory, spoil, supports } = options
  const kit: BucketKit = {
    runner,
    it: (name, fn) => runner.it(name, async () => await withSubject(await factory(), fn)),
  }
  runner.describe(`testBucket: ${name}`, () => {
    objectCases(kit)
    conditionCases(kit, supports?.conditionalPut !== false)
    listingCases(kit)
    unreadableCases(kit, spoil)
    rangeCases(kit)
    bodyCases(kit)
    keyCases(kit)
    runner.it('stops without start, and twice', async () => {
      const { bucket, cleanup } = await factory()
      const { signal } = new AbortController()
      try {
        for (const _ of ['once', 'twice']) await bucket.stop?.(signal)
      } finally {
        await cleanup?.()
      }
    })
    kit.it('stops twice after start, and finds no problem with its options', async ({ bucket, signal }) => {
      assertEqual(bucket.check?.() ?? [], [], 'no problems')
      for (const _ of ['once', 'twice']) await bucket.stop?.(signal)
    })
  })
}
