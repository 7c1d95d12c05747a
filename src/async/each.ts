/** Side by side, within a bound. */

/** Calls `fn` for each item, at most `limit` at once, in list order of their starts. Rejects with the first rejection, after all ended. */
export async function eachBounded<T>(
  items: readonly T[],
  limit: number,
  fn: (item: T) => Promise<void>,
): Promise<void> {
  let at = 0
  let failure: { readonly error: unknown } | undefined
  const lane = async () => {
    while (at < items.length && !failure) {
      const item = items[at++] as T
      try {
        await fn(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  if (failure) throw failure.error
}
