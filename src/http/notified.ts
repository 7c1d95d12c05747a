/** Which blocks a notification names. It is what somebody sent: keys are compared, and nothing is made of them. */
import { type BlockId, isBlockId } from '../contracts/block.ts'
import type { Bucket } from '../contracts/host.ts'

export interface Notified {
  /** By block: the file of it that was written, or `meta.json` where no file is named. */
  readonly blocks: ReadonlyMap<BlockId, string>
  /** Entries that name none. */
  readonly ignored: number
}

/** Whole blocks have the first, and the others change what becomes of a block. */
const FILES: ReadonlySet<string> = new Set([
  'meta.json',
  'deletion-mark.json',
  'no-compact-mark.json',
  'no-downsample-mark.json',
])

/**
 * Reads `{"blocks":["<ULID>"]}`, event notifications of S3 (also of MinIO and Ceph), one event of EventBridge, and one message
 * or a list of messages of R2: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html,
 * https://developers.cloudflare.com/r2/buckets/event-notifications/.
 *
 * @param prefix of the bucket's blocks, without `/` at its end; undefined where it is not known: then any folder will do
 * @returns undefined for a value of another shape
 */
export function notified(value: unknown, prefix: string | undefined): Notified | undefined {
  const entries = entriesOf(value)
  if (!entries) return undefined
  const blocks = new Map<BlockId, string>()
  let ignored = 0
  for (const entry of entries) {
    const named = entry && (typeof entry === 'string' ? own(entry) : fileOf(entry.key, prefix))
    if (!named) ignored++
    // That a block is whole is the greater news.
    else if (blocks.get(named.id) !== 'meta.json') blocks.set(named.id, named.file)
  }
  return { blocks, ignored }
}

/** A block by its ULID, the key of an object that was written, or undefined for what says neither. */
type Entry = string | { readonly key: string } | undefined

function entriesOf(value: unknown): Entry[] | undefined {
  if (Array.isArray(value)) return value.map(message => r2(fieldsOf(message)))
  const fields = fieldsOf(value)
  if (Array.isArray(fields.blocks)) return fields.blocks.map(id => (typeof id === 'string' ? id : undefined))
  if (Array.isArray(fields.Records)) return fields.Records.map(record => s3(fieldsOf(record)))
  if (typeof fields['detail-type'] === 'string') return [eventBridge(fields)]
  if (typeof fields.action === 'string') return [r2(fields)]
  // S3 sends one when notifications are configured.
  return fields.Event === 's3:TestEvent' ? [undefined] : undefined
}

/** In the keys of S3's notifications a space is `+`, and all that is not safe in a URL is encoded. */
function s3({ eventName, s3: inner }: Fields): Entry {
  const { key } = fieldsOf(fieldsOf(inner).object)
  // MinIO writes `s3:ObjectCreated:Put`.
  if (typeof key !== 'string' || !/^(?:s3:)?ObjectCreated:/.test(String(eventName))) return undefined
  try {
    return { key: decodeURIComponent(key.replaceAll('+', ' ')) }
  } catch {
    return undefined
  }
}

function eventBridge({ 'detail-type': type, detail }: Fields): Entry {
  const { key } = fieldsOf(fieldsOf(detail).object)
  return type === 'Object Created' && typeof key === 'string' ? { key } : undefined
}

const R2_WRITES: ReadonlySet<unknown> = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload'])

function r2({ action, object }: Fields): Entry {
  const { key } = fieldsOf(object)
  return R2_WRITES.has(action) && typeof key === 'string' ? { key } : undefined
}

function own(id: string): { id: BlockId; file: string } | undefined {
  return isBlockId(id) ? { id, file: 'meta.json' } : undefined
}

function fileOf(key: string, prefix: string | undefined): { id: BlockId; file: string } | undefined {
  const parts = key.split('/')
  const [id = '', file = ''] = parts.slice(-2)
  const folder = parts.slice(0, -2).join('/')
  const fits = isBlockId(id) && FILES.has(file) && (prefix === undefined || folder === prefix)
  return fits ? { id, file } : undefined
}

/** Of the blocks of a bucket, where its options tell it. */
export function prefixOf(bucket: Bucket | undefined): string | undefined {
  const { prefix, ...others } = fieldsOf(bucket?.options)
  if (typeof prefix === 'string') return prefix.replace(/\/+$/, '')
  // Options that are a file of Thanos' have it elsewhere.
  return 'bucket' in others ? '' : undefined
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
