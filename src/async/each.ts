/** Side by side, within a bound. */

/**
 * What `fn` gives for each item, in the order of the items; at most `limit` at once, begun in that order. After a rejection none is
 * begun, and the first one is thrown when those under way have ended.
 */
export async function eachBounded<T, R>(
  items: readonly T[],
  limit: number,
  fn: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length)
  const entries = items.entries()
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (const [index, item] of entries) {
      if (failure) return
      try {
        results[index] = await fn(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failure) throw failure.error
  return results
}
