/** Object storage as the engine sees it. */
export interface ObjectInfo {
  readonly key: string
  readonly size: number
  /** Without quotes; compared for equality only. Empty where the store gives none. */
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly modified: number
}

/** An object or a folder that is there and could not be read: what is in it is not absent. */
export interface UnreadableKey {
  /** Of a folder with its `/`. Where a store encoded it wrongly, it is only near to the key: do not ask for it. */
  readonly key: string
  readonly error: unknown
}

export interface ListPage {
  /** In key order (UTF-8 bytes). */
  readonly objects: readonly ObjectInfo[]
  /** With a delimiter: the common prefixes, each ending in `/`. */
  readonly prefixes: readonly string[]
  /** What stands among these and could not be read, in key order. Default: nothing. */
  readonly unreadable?: readonly UnreadableKey[] | undefined
  /** Hand it to the next call; undefined after the last page. A page may be empty and still have one. */
  readonly cursor: string | undefined
}

/** A body that was asked for. Read it or dispose it: either frees what is behind it. */
export interface ObjectBody extends AsyncDisposable {
  /** `size` is the whole object's, also for a range. */
  readonly info: ObjectInfo
  readonly stream: ReadableStream<Uint8Array>
  /** The whole body. More than `limit` bytes is a `body-too-large` error before they are kept. */
  bytes(limit: number): Promise<Uint8Array>
}

/** Bytes from `offset`, or the last `suffix` bytes. A range is cut at the object's end; one that starts past it is empty. */
export type Range = { readonly offset: number; readonly length: number } | { readonly suffix: number }

export interface BucketReader {
  /** Keys that start with `prefix`, in order. An error is thrown, never an empty page; one key that cannot be read is `unreadable`. */
  list(
    prefix: string,
    options: { readonly delimiter?: '/'; readonly cursor?: string | undefined; readonly signal: AbortSignal },
  ): Promise<ListPage>
  /** Undefined where there is no such object. */
  get(key: string, options: { readonly range?: Range; readonly signal: AbortSignal }): Promise<ObjectBody | undefined>
}

export interface BucketWriter {
  /** `conflict` when the condition does not hold; the object is then untouched. */
  put(
    key: string,
    body: Uint8Array,
    options: { readonly if?: 'absent' | { readonly etag: string }; readonly signal: AbortSignal },
  ): Promise<'stored' | 'conflict'>
  /** Deleting what is not there is fine. */
  delete(key: string, options: { readonly signal: AbortSignal }): Promise<void>
}
