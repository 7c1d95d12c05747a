/** What the catalogue says of a block, against the meta.json of the block. */
import {
  type BlockContext,
  BlockgateError,
  type Bucket,
  codeOf,
  ErrorCode,
  type ObjectVersion,
  rawMessageOf,
} from 'blockgate'
import { isSameEtag, isSameTime } from 'blockgate/bucket'
import { type ParsedMeta, parseMeta } from 'blockgate/tsdb'

/** Most bytes of a meta.json. */
const META_LIMIT = 16 * 1024 * 1024

/** The block is not what the catalogue says. Another try tells the same; the next listing reads the block itself. */
export class CatalogueWrong extends BlockgateError {
  readonly retryable = false
  /** False where meta.json is another one by now: a catalogue is of a moment ago. */
  readonly isLie: boolean

  constructor(message: string, isLie: boolean) {
    super('catalogue-wrong', message, { at: 'catalogue' })
    this.isLie = isLie
  }
}

/**
 * Reads meta.json of the block, and compares all that decides about it or is served of it. `version`: that of the one that was read for the
 * catalogue, where that is known.
 * @throws CatalogueWrong where it says something else; `not-found` where there is none any more; what the bucket throws
 */
export async function confirm(bucket: Bucket, block: BlockContext, version: ObjectVersion | undefined): Promise<void> {
  const { meta, path, uploaded, signal } = block
  const body = await bucket.get(`${path}meta.json`, { signal })
  if (!body) throw new BlockgateError(ErrorCode.notFound, 'the catalogue names the block, and its meta.json is gone')
  const { info } = body
  const isSame = version?.size === info.size && (isSameEtag(version, info) || isSameTime(version, info))
  const bytes = await body.bytes(META_LIMIT)
  let said: ParsedMeta
  try {
    said = parseMeta(bytes, meta.ulid)
  } catch (error) {
    if (codeOf(error) !== ErrorCode.corruptedMeta) throw error
    throw new CatalogueWrong(`the catalogue has the block, and ${rawMessageOf(error)}`, isSame)
  }
  const ours = { ...meta, uploaded }
  const sizes = new Map(meta.files.map(({ path, size }) => [path, size]))
  const fields = Object.entries({ ...said.meta, uploaded: said.uploaded }).filter(
    ([field, value]) => field !== 'files' && !same(value, ours[field as keyof typeof ours]),
  )
  const files = said.declared.filter(
    ({ path, size }) => path !== 'meta.json' && size !== undefined && sizes.get(path) !== size,
  )
  const wrong = [...fields.map(([field]) => field), ...files.map(({ path }) => path)]
  if (wrong.length === 0) return
  throw new CatalogueWrong(`meta.json says something else than the catalogue: ${wrong.join(', ')}`, isSame)
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

/** A set of labels has no order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}
