/** For those who write a bucket, or wrap one. Apart from the engine, which is all that a config needs. */
export { Places } from '../async/places.ts'
export { type BodyEnd, type BodySource, type ByteStream, exactBytes, objectBody, streamSource } from './body.ts'
export { assertKey, compareKeys, keyProblem, lowerBound, opaqueKeyProblem } from './keys.ts'
export { type MemoryBucketOptions, memoryBucket } from './memory.ts'
export { isSameEtag, isSameTime, resolveRange, type Span } from './object.ts'
export { prefixed } from './wrappers/prefixed.ts'
export { type RetriedOptions, retried } from './wrappers/retried.ts'
export { traced } from './wrappers/traced.ts'
