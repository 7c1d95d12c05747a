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

/**
 * What a bucket tells of a request, for its span: attributes by the names of OpenTelemetry's conventions, such as
 * `aws.request_id` or `server.address`. Never a credential, never a URL.
 */
export type RequestDetails = Readonly<Record<string, string | number | undefined>>

export interface RequestOptions {
  readonly signal: AbortSignal
  /** Given where somebody traces the request. A bucket may call it, as often as it learns something; each try of a request may. */
  readonly onDetails?: ((details: RequestDetails) => void) | undefined
}

export interface ListRequest extends RequestOptions {
  readonly delimiter?: '/'
  readonly cursor?: string | undefined
  readonly after?: string | undefined
}

export interface BucketReader {
  /**
   * Keys that start with `prefix`, in order. An error is thrown, never an empty page; one key that cannot be read is `unreadable`.
   * `after`: only keys behind that text, which need not be a key. A bucket that knows no such thing may take no notice of it: whoever asks
   * must look at the first key. It is given again with a cursor.
   */
  list(prefix: string, options: ListRequest): Promise<ListPage>
  /** Undefined where there is no such object. */
  get(key: string, options: RequestOptions & { readonly range?: Range }): Promise<ObjectBody | undefined>
}

export interface BucketWriter {
  /** `conflict` when the condition does not hold; the object is then untouched. */
  put(
    key: string,
    body: Uint8Array,
    options: RequestOptions & { readonly if?: 'absent' | { readonly etag: string } },
  ): Promise<'stored' | 'conflict'>
  /** Deleting what is not there is fine. */
  delete(key: string, options: RequestOptions): Promise<void>
}
