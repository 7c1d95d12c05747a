/** Conformance tests and doubles for those who write plugins. */

export { type MemoryBucketOptions, memoryBucket } from '../bucket/memory.ts'
export { memoryState } from '../contracts/state.ts'
export { assert, assertEqual, assertRejects, leaveOut, type Runner } from './assert.ts'
export {
  type BlockContextGiven,
  blockContext,
  blockMeta,
  candidate,
  runContext,
  services,
  testId,
  testOutcome,
} from './blocks.ts'
export type { BucketFixture } from './bucket/subject.ts'
export type { ComponentKitOptions } from './component.ts'
export { type FakeHost, type FakeHostOptions, fakeHost, type LogLine, settle } from './fake-host.ts'
export { type BucketOp, type Fault, type FlakyBucket, type FlakyRule, flaky } from './flaky.ts'
export { sampleBlocks } from './sample-blocks.ts'
export { type Spans, spans, type TreeOptions } from './spans.ts'
export { type StoredBlocksOptions, storedBlocks } from './stored-blocks.ts'
export { type BucketSupports, type TestBucketOptions, testBucket } from './test-bucket.ts'
export { type CacheKitOptions, testCache } from './test-cache.ts'
export { type OwnershipKitOptions, testOwnership } from './test-ownership.ts'
export { type SinkKitOptions, testSink } from './test-sink.ts'
export { type StageKitOptions, testStage } from './test-stage.ts'
