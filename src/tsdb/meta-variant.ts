/** How two blocks with equal sources, labels and resolution differ: each may hold a part of the series. */
import { isRecord } from './go-json.ts'

/**
 * `thanos.extensions` and `thanos.rewrites` as one text, equal for equal values in whatever order their keys stand; undefined
 * where both are empty. Entries of Cortex that do not say which series a block holds are left out; any other difference
 * counts.
 *
 * @throws RangeError where a value is nested too deeply
 */
export function variantOf(extensions: unknown, rewrites: unknown): string | undefined {
  const { time_range: _, ...said } = isRecord(extensions) ? extensions : { extensions }
  const { partition_info: partition } = said as { partition_info?: unknown }
  if (isRecord(partition)) {
    const { partitioned_group_id: _, partitioned_group_creation_time: __, ...part } = partition
    // To Cortex, a block without the entry is the only part, too.
    Object.assign(said, { partition_info: part.partition_count === 1 ? undefined : part })
  }
  const text = JSON.stringify([said, rewrites ?? []], sorted)
  return text === '[{},[]]' ? undefined : text
}

/** Go writes null for "not set". */
function sorted(_: string, value: unknown): unknown {
  if (value === null) return undefined
  return isRecord(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value
}
