/** What each case of the bucket kit is given: a fresh bucket, started, with short words for what cases do. */
import type { ListPage, Range } from '../../contracts/bucket.ts'
import type { Bucket } from '../../contracts/host.ts'
import { services } from '../blocks.ts'
import { fakeHost } from '../fake-host.ts'
import { assert, type Runner } from '../kit.ts'

export interface BucketFixture {
  /** Empty, not started, used by one case. */
  readonly bucket: Bucket
  /** Called after the case, also one that failed. */
  readonly cleanup?: (() => Promise<void> | void) | undefined
}

export interface BucketKit {
  readonly runner: Runner
  /** Registers one case with a bucket of its own. */
  readonly it: (name: string, fn: (subject: Subject) => Promise<void>) => void
  /** Registers one case with a bucket that was not started. */
  readonly itUnstarted: (name: string, fn: (bucket: Bucket) => Promise<void>) => void
  readonly conditionalPut: boolean
}

export interface Subject {
  readonly bucket: Bucket
  /** Never aborts. */
  readonly signal: AbortSignal
  put(key: string, body?: string | Uint8Array): Promise<void>
  /** Puts every key, some at a time. */
  putAll(keys: readonly string[]): Promise<void>
  /** The body as text; undefined where there is no object. */
  text(key: string, range?: Range): Promise<string | undefined>
  etag(key: string): Promise<string>
  /** All pages; more than `MAX_PAGES` are taken for a listing that never ends. */
  pages(prefix: string, delimiter?: '/'): Promise<readonly ListPage[]>
  keys(prefix: string): Promise<readonly string[]>
}

/** More than any text or folder of a case. */
export const LIMIT: number = 16 * 1024 * 1024
const MAX_PAGES = 5000
const AT_ONCE = 25

/** Runs `fn` with a started bucket; stops it and cleans up whatever happens. */
export async function withSubject(fixture: BucketFixture, fn: (subject: Subject) => Promise<void>): Promise<void> {
  const { bucket, cleanup } = fixture
  const { signal } = new AbortController()
  try {
    await bucket.start?.(services({ host: fakeHost(), bucket }))
    await fn(subjectOf(bucket, signal))
  } finally {
    await bucket.stop?.(signal)
    await cleanup?.()
  }
}

/** Runs `fn` with the bucket as the factory made it. */
export async function unstarted(
  { bucket, cleanup }: BucketFixture,
  fn: (bucket: Bucket) => Promise<void>,
): Promise<void> {
  try {
    await fn(bucket)
  } finally {
    await cleanup?.()
  }
}

/** `count` keys that sort in their order. */
export function numbered(before: string, count: number, after = ''): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${before}${String(i).padStart(5, '0')}${after}`)
}

/** `text` as bytes. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function subjectOf(bucket: Bucket, signal: AbortSignal): Subject {
  const subject: Subject = {
    bucket,
    signal,
    async put(key, body = key) {
      const result = await bucket.put(key, typeof body === 'string' ? bytesOf(body) : body, { signal })
      assert(result === 'stored', `a put without a condition to be 'stored', not '${result}'`)
    },
    async putAll(keys) {
      for (let at = 0; at < keys.length; at += AT_ONCE) {
        await Promise.all(keys.slice(at, at + AT_ONCE).map(key => subject.put(key, 'x')))
      }
    },
    async text(key, range) {
      const body = await bucket.get(key, { signal, ...(range && { range }) })
      return body && new TextDecoder().decode(await body.bytes(LIMIT))
    },
    async etag(key) {
      await using body = await bucket.get(key, { signal })
      assert(body, `object "${key}" to be there`)
      return body.info.etag
    },
    async pages(prefix, delimiter) {
      const pages: ListPage[] = []
      let cursor: string | undefined
      do {
        const page = await bucket.list(prefix, { cursor, signal, ...(delimiter && { delimiter }) })
        pages.push(page)
        assert(pages.length <= MAX_PAGES, `the listing of "${prefix}" to end within ${MAX_PAGES} pages`)
        cursor = page.cursor
      } while (cursor !== undefined)
      return pages
    },
    async keys(prefix) {
      const pages = await subject.pages(prefix)
      const [bad] = pages.flatMap(page => page.unreadable ?? [])
      assert(bad === undefined, `a listing that can read everything: not "${bad?.key}"`)
      return pages.flatMap(page => page.objects.map(object => object.key))
    },
  }
  return subject
}
