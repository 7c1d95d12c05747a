/** Kits and doubles for those who write plugins. */

export { type MemoryBucketOptions, memoryBucket } from '../bucket/memory.ts'
export { memoryState } from '../contracts/state.ts'
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
export type { BucketFixture } from './bucket-kit/subject.ts'
export type { ComponentKitOptions } from './component-kit.ts'
export { delayed } from './delayed.ts'
export { type FakeHost, type FakeHostOptions, fakeHost, type LogLine, settle } from './fake-host.ts'
export { type BucketOp, type Fault, type FlakyBucket, type FlakyRule, flaky } from './flaky.ts'
export { assert, assertEqual, assertRejects, leaveOut, type Runner } from './kit.ts'
export { type OwnershipKitOptions, testOwnership } from './ownership-kit/index.ts'
export { type RecordingSink, type RecordingSinkOptions, recordingSink, type SinkCall } from './recording-sink.ts'
export { sampleBlocks } from './sample-blocks.ts'
export { type Spans, spans, type TreeOptions } from './spans.ts'
export { type StageKitOptions, testStage } from './stage-kit/index.ts'
export { type StoredBlocksOptions, storedBlocks } from './stored-blocks.ts'
export { type BucketSupports, type TestBucketOptions, testBucket } from './test-bucket.ts'
export { type SinkKitOptions, testSink } from './test-sink.ts'
