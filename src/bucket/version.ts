/** Whether two answers are about the same object, also where a proxy changes etags on their way. */
import type { ObjectInfo } from '../contracts/bucket.ts'

/** `W/"x"` is `x`: a proxy that compresses weakens an etag. */
export function isSameEtag(a: Pick<ObjectInfo, 'etag'>, b: Pick<ObjectInfo, 'etag'>): boolean {
  return a.etag === b.etag || strong(a.etag) === strong(b.etag)
}

/** To the second, as HTTP tells times. False where none is told. */
export function isSameTime(a: Pick<ObjectInfo, 'modified'>, b: Pick<ObjectInfo, 'modified'>): boolean {
  return a.modified > 0 && Math.floor(a.modified / 1000) === Math.floor(b.modified / 1000)
}

function strong(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1')
}
