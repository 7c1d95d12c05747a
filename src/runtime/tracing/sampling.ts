/** Which traces are kept because of their number; what is kept because of what happened in it: local-trace.ts. */
import { type SpanContext, TraceFlags } from '@opentelemetry/api'
import { BlockAttribute } from '../../contracts/block-telemetry.ts'
import type { LocalSpan } from './span.ts'

export interface Sampling {
  /** From 0 to 1. */
  readonly ratio: number
  /** Nothing is recorded but what a parent asks for: `always_off`. */
  readonly never: boolean
  /** A local root with a parent in another process does as that one: `parentbased_…`. */
  readonly asksParent: boolean
}

/**
 * Whether the trace of a local root is one of the ratio. A block's ULID says so, and so all gateways keep the same blocks, in all runs;
 * where a root has none, its trace id does.
 */
export function isSampled({ ratio, asksParent }: Sampling, root: LocalSpan): boolean {
  if (asksParent && root.parent) return isSampledBy(root.parent)
  if (ratio >= 1 || ratio <= 0) return ratio >= 1
  return shareOf(String(root.get(BlockAttribute.id) ?? root.spanContext().traceId)) < ratio
}

/** Whether the parent, in another process, is sampled. */
export function isSampledBy(parent: SpanContext | undefined): boolean {
  return parent !== undefined && (parent.traceFlags & TraceFlags.SAMPLED) !== 0
}

/** From 0 to 1, spread evenly over texts that are alike: FNV-1a, and the last steps of MurmurHash3, over UTF-16. */
export function shareOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
