/** For those who write a bucket, or wrap one. Apart from the engine, which is all that a config needs. */
export { type BodyEnd, type BodySource, objectBody, streamSource } from './bucket-body.ts'
export { assertKey, compareKeys, keyProblem, opaqueKeyProblem } from './bucket-keys.ts'
export { resolveRange, type Span } from './bucket-range.ts'
export { isSameEtag, isSameTime } from './bucket-version.ts'
export { prefixed } from './bucket-wrappers/prefixed.ts'
export { type RetriedOptions, retried } from './bucket-wrappers/retried.ts'
export { traced } from './bucket-wrappers/traced.ts'
export { type MemoryBucketOptions, memoryBucket } from './memory-bucket.ts'
