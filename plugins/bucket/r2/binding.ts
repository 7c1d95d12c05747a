/** What is used of an R2 bucket's binding: any `R2Bucket` of a Worker's `env` fits, and so does a double. */
import type { ByteStream } from 'blockgate/bucket'

export interface R2Binding {
  head(key: string): Promise<R2Head | null>
  get(key: string, options?: { range?: R2Range }): Promise<R2Body | null>
  /** Null where `onlyIf` does not hold: Headers, or R2's own conditions. Whose `Headers` a project has is not ours to say. */
  put(key: string, value: Uint8Array, options?: { onlyIf?: object }): Promise<R2Head | null>
  delete(key: string): Promise<void>
  list(options?: {
    prefix?: string
    delimiter?: string
    cursor?: string
    startAfter?: string
    limit?: number
  }): Promise<R2Page>
}

export type R2Range = { offset: number; length: number } | { suffix: number }

export interface R2Head {
  readonly key: string
  /** The whole object's, also for a range. */
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  readonly uploaded: Date
}

export interface R2Body extends R2Head {
  readonly body: ByteStream & { cancel(reason?: unknown): Promise<void> }
}

export type R2Reader = ReturnType<ByteStream['getReader']>

export interface R2Page {
  readonly objects: readonly R2Head[]
  readonly delimitedPrefixes: readonly string[]
  readonly truncated: boolean
  /** Where the page is truncated. */
  readonly cursor?: string
}
