/** Where a later run goes on: the resume token of a page. */
import type { BlockId } from 'blockgate'
import { ulid } from 'blockgate/tsdb'
import * as v from 'valibot'

export type Listing = 'recursive' | 'delimited'

/**
 * A cursor is opaque, and a block's objects may lie on two listing pages. So a position names the listing page on which
 * the first block that was not yet yielded begins, and the last block that was: what is not behind it is passed over.
 */
export interface Position {
  /** Undefined is the first page. */
  readonly cursor?: string | undefined
  readonly after?: BlockId | undefined
}

const schema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ listing: v.string(), cursor: v.optional(v.string()), after: v.optional(ulid) }),
)

/** The token of a position; cursors of the two kinds of listing are not exchangeable, so it names the kind. */
export function writeToken(listing: Listing, position: Position): string {
  return JSON.stringify({ listing, ...position })
}

/** Undefined where the token is damaged, or of the other kind of listing. */
export function readToken(listing: Listing, token: string): Position | undefined {
  const { success, output } = v.safeParse(schema, token)
  return success && output.listing === listing ? output : undefined
}
