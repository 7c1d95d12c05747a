/** Makes blocks, contexts and services for tests, from nothing but what the test cares about. */

import { memoryBucket } from '../bucket/memory.ts'
import { type BlockId, type BlockMeta, blockId, type Candidate } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Services } from '../contracts/host.ts'
import type { BlockContext, Outcome, RunContext } from '../contracts/stage.ts'
import { memoryState } from '../contracts/state.ts'
import { fakeHost } from './fake-host.ts'

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/**
 * A valid ULID whose time is `n` ms (an integer, 0 to 2^48 − 1) and whose random part is the number `random`, as
 * Thanos' tests make them: `testId(7)` is `00000000070000000000000000`. A larger `n` sorts later.
 */
export function testId(n: number, random = 0): BlockId {
  return blockId(base32(n, 10) + base32(random, 16))
}

/** A raw block of the first two hours of 1970 with no labels, its own and only source; `given` replaces what it names. */
export function blockMeta(given: Partial<BlockMeta> = {}): BlockMeta {
  const ulid = given.ulid ?? testId(1)
  return {
    ulid,
    minTime: 0,
    maxTime: 7_200_000,
    resolution: 0,
    compaction: { level: 1, sources: [ulid] },
    source: 'sidecar',
    files: [],
    readAhead: undefined,
    ...given,
    labels: Object.assign(Object.create(null), given.labels),
  }
}

/** A candidate without markers or upload time. `meta` goes through blockMeta(); `known` is what the source knows beside it. */
export function candidate(meta: Partial<BlockMeta> = {}, known: Partial<Omit<Candidate, 'meta'>> = {}): Candidate {
  const whole = blockMeta(meta)
  return { meta: whole, path: `${whole.ulid}/`, markers: [], uploaded: undefined, ...known }
}

/** The first run, at fakeHost()'s start (2026-01-01), with nothing loaded; `given` replaces what it names. */
export function runContext(given: Partial<RunContext> = {}): RunContext {
  return {
    id: 'run-1',
    reason: 'startup',
    now: Date.UTC(2026, 0, 1),
    signal: new AbortController().signal,
    loaded: new Set(),
    ...given,
  }
}

export interface BlockContextGiven {
  /** Goes through runContext(). */
  readonly run?: Partial<RunContext> | undefined
  /** Default: whether `run.loaded` has the block. */
  readonly loaded?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly lease?: BlockContext['lease']
}

/** What a block stage is given for `block`. @example stage.handle(blockContext(candidate({ minTime: 5 })), next) */
export function blockContext(block: Candidate = candidate(), given: BlockContextGiven = {}): BlockContext {
  const run = runContext(given.run)
  return {
    ...block,
    id: block.meta.ulid,
    run,
    loaded: given.loaded ?? run.loaded.has(block.meta.ulid),
    signal: given.signal ?? run.signal,
    lease: given.lease,
  }
}

/** An outcome as the engine's `next()` would give it: stages cannot make one, a test of a stage has to. */
export function testOutcome(kind: 'added' | 'unchanged' | 'passed' | 'failed', error?: unknown): Outcome {
  return (kind === 'failed' ? { kind, by: 'below', error } : { kind }) as unknown as Outcome
}

/** Services on a fakeHost(), an empty memoryBucket(), a state store in memory and no disk; `given` replaces what it names. */
export function services(given: Partial<Services> = {}): Services {
  return {
    host: fakeHost(),
    bucket: memoryBucket(),
    instance: { id: 'test-1', zone: undefined },
    files: undefined,
    state: memoryState(),
    observer: false,
    ...given,
  }
}

function base32(n: number, length: number): string {
  if (!Number.isSafeInteger(n) || n < 0 || n >= 32 ** length) {
    throw new BlockgateError(ErrorCode.invalidKey, `a part of a test id must be an integer >= 0: current value is ${n}`)
  }
  let text = ''
  for (let rest = n; text.length < length; rest = Math.floor(rest / 32)) text = BASE32.charAt(rest % 32) + text
  return text
}
