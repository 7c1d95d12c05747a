/** What every bucket wrapper hands on untouched. */
import type { Bucket, Component } from '../../contracts/host.ts'

/** The component part of `bucket`; an optional method is there only where the bucket has it. */
export function componentOf(bucket: Bucket): Component {
  return {
    name: bucket.name,
    ...(bucket.identity !== undefined && { identity: bucket.identity }),
    ...(bucket.options !== undefined && { options: bucket.options }),
    ...(bucket.check && { check: () => bucket.check?.() ?? [] }),
    ...(bucket.start && { start: async (services, signal) => await bucket.start?.(services, signal) }),
    ...(bucket.stop && { stop: async signal => await bucket.stop?.(signal) }),
  }
}
