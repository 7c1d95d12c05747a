/** What each conformance test of buckets is given: a fresh bucket, started, with helpers. */
import type { ListPage, ObjectBody, Range } from '../../contracts/bucket.ts'
import { codeOf, type ErrorCode } from '../../contracts/errors.ts'
import type { Bucket } from '../../contracts/host.ts'
import { assert, assertEqual, assertRejects, type Runner } from '../assert.ts'
import { services } from '../blocks.ts'

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
}

/** More than any text or folder of a case. */
export const LIMIT: number = 16 * 1024 * 1024
const MAX_PAGES = 5000
const AT_ONCE = 25

/** Runs `fn` with a started bucket; stops it and cleans up whatever happens. */
export async function withSubject(
  { bucket, cleanup }: BucketFixture,
  fn: (subject: Subject) => Promise<void>,
): Promise<void> {
  const { signal } = new AbortController()
  try {
    await bucket.start?.(services({ bucket }))
    await fn(new Subject(bucket, signal))
  } finally {
    await bucket.stop?.(signal)
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

type Code = (typeof ErrorCode)[keyof typeof ErrorCode]

/** `work` must be rejected with an error of `code`. */
export async function assertFails(work: () => Promise<unknown>, code: Code, what: string): Promise<void> {
  assertEqual(codeOf(await assertRejects(work, what)), code, `the code of ${what}`)
}

/** The keys of a whole listing, in the order in which they came. */
export interface Listed {
  readonly objects: readonly string[]
  readonly prefixes: readonly string[]
  readonly unreadable: readonly string[]
}

export class Subject {
  readonly bucket: Bucket
  /** Never aborts. */
  readonly signal: AbortSignal

  constructor(bucket: Bucket, signal: AbortSignal) {
    this.bucket = bucket
    this.signal = signal
  }

  async put(key: string, body: string | Uint8Array = key): Promise<void> {
    const bytes = typeof body === 'string' ? bytesOf(body) : body
    const result = await this.bucket.put(key, bytes, { signal: this.signal })
    assert(result === 'stored', `a put without a condition to be 'stored', not '${result}'`)
  }

  /** Puts every key, some at a time. */
  async putAll(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      await Promise.all(keys.slice(at, at + AT_ONCE).map(key => this.put(key, 'x')))
    }
  }

  /** An object that is there. */
  async get(key: string, range?: Range): Promise<ObjectBody> {
    const body = await this.bucket.get(key, { signal: this.signal, ...(range && { range }) })
    assert(body, `object "${key}" to be there`)
    return body
  }

  /** The body as text; undefined where there is no object. */
  async text(key: string, range?: Range): Promise<string | undefined> {
    const body = await this.bucket.get(key, { signal: this.signal, ...(range && { range }) })
    return body && new TextDecoder().decode(await body.bytes(LIMIT))
  }

  /** Each call of a bucket that names `key`. */
  calls(key: string, signal: AbortSignal = this.signal): readonly (() => Promise<unknown>)[] {
    const { bucket } = this
    return [
      () => bucket.get(key, { signal }),
      () => bucket.put(key, bytesOf('x'), { signal }),
      () => bucket.put(key, bytesOf('x'), { if: 'absent', signal }),
      () => bucket.delete(key, { signal }),
    ]
  }

  async etag(key: string): Promise<string> {
    await using body = await this.get(key)
    return body.info.etag
  }

  async delete(key: string): Promise<void> {
    await this.bucket.delete(key, { signal: this.signal })
  }

  /** All pages; more than `MAX_PAGES` are taken for a listing that never ends. */
  async list(prefix: string, delimiter?: '/'): Promise<Listed> {
    const pages: ListPage[] = []
    let cursor: string | undefined
    do {
      const page = await this.bucket.list(prefix, { cursor, signal: this.signal, ...(delimiter && { delimiter }) })
      pages.push(page)
      assert(pages.length <= MAX_PAGES, `the listing of "${prefix}" to end within ${MAX_PAGES} pages`)
      cursor = page.cursor
    } while (cursor !== undefined)
    const unreadable = pages.flatMap(page => page.unreadable ?? [])
    for (const { key, error } of unreadable) assert(error !== undefined, `an error of "${key}"`)
    return {
      objects: pages.flatMap(page => page.objects.map(object => object.key)),
      prefixes: pages.flatMap(page => page.prefixes),
      unreadable: unreadable.map(at => at.key),
    }
  }

  /** The objects of a listing that can read everything. */
  async keys(prefix: string): Promise<readonly string[]> {
    const { objects, unreadable } = await this.list(prefix)
    assertEqual(unreadable, [], 'a listing that can read everything')
    return objects
  }
}
