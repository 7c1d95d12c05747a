/** Kits and doubles for those who write plugins. */
export {
  type BlockContextGiven,
  blockContext,
  blockMeta,
  candidate,
  memoryState,
  runContext,
  services,
  testId,
  testOutcome,
} from './blocks.ts'
export type { ComponentKitOptions } from './component-kit.ts'
export { type FakeHost, type FakeHostOptions, fakeHost, type LogLine, settle } from './fake-host.ts'
export { assert, assertEqual, assertRejects, leaveOut, type Runner } from './kit.ts'
export { type MemoryBucketOptions, memoryBucket } from './memory-bucket.ts'
export { type OwnershipKitOptions, testOwnership } from './ownership-kit/index.ts'
export { sampleBlocks } from './sample-blocks.ts'
export { type Spans, spans, type TreeOptions } from './spans.ts'
export { type StageKitOptions, testStage } from './stage-kit/index.ts'
