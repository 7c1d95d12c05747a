/** Bytes packed and unpacked, by what the web has. */

/** All that `stream` makes of the bytes. @throws Error where that is more than `limit` bytes; what the stream throws */
export async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  limit: number,
): Promise<Uint8Array> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(stream)
  const parts: Uint8Array[] = []
  let length = 0
  for (const reader = source.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > limit) {
      await reader.cancel()
      throw new Error(`must unpack to at most ${limit} bytes: it is more`)
    }
    parts.push(value)
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
