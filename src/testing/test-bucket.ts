/** The conformance kit of buckets: every Bucket runs it, raw and behind `prefixed()`. */
import type { Bucket } from '../contracts/host.ts'
import { bodyCases, lifeCases } from './bucket-kit/bodies.ts'
import { keyCases } from './bucket-kit/keys.ts'
import { listingCases } from './bucket-kit/listing.ts'
import { conditionCases, objectCases } from './bucket-kit/objects.ts'
import { rangeCases } from './bucket-kit/ranges.ts'
import { type BucketFixture, type BucketKit, unstarted, withSubject } from './bucket-kit/subject.ts'
import { unreadableCases } from './bucket-kit/unreadable.ts'
import type { Runner } from './kit.ts'

export interface TestBucketOptions {
  /** What the report calls the bucket. */
  readonly name: string
  /** An empty bucket for one case, which the kit starts and stops. */
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
  const kit: BucketKit = {
    runner,
    it: (name, fn) => runner.it(name, async () => await withSubject(await options.factory(), fn)),
    itUnstarted: (name, fn) => runner.it(name, async () => await unstarted(await options.factory(), fn)),
    conditionalPut: options.supports?.conditionalPut !== false,
  }
  runner.describe(`testBucket: ${options.name}`, () => {
    objectCases(kit)
    conditionCases(kit)
    listingCases(kit)
    unreadableCases(kit, options.spoil)
    rangeCases(kit)
    bodyCases(kit)
    keyCases(kit)
    lifeCases(kit)
  })
}
