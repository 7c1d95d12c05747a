/**
 * `.blockgate-blocks`: the blocks of a folder, and how their files looked, as they were when it was written. A start reads it in place of
 * the manifests: a block whose files look the same still is what it was. It is a help alone; where it is missing, old or damaged, the
 * blocks that it does not tell of are looked at one by one.
 *
 *   {"version":1,"sink":"index-headers"}
 *   [<bytes>,<fence or null>,[<size>,<modified>,<inode>,…],<meta>]        a line for each block; the looks in the order of the files
 *   <CRC-32C of all lines before, as 8 digits of hex>
 */
import {
  type BlockMeta,
  type FileLook,
  type Host,
  isBlockId,
  type LoadedBlock,
  type LocalFiles,
  pause,
} from 'blockgate'
import { Crc32c } from 'blockgate/tsdb'
import { below } from './below.ts'

const NAME = '.blockgate-blocks'
const VERSION = 1
const READ_BYTES = 1024 * 1024
/** Characters of one write. */
const WRITE_CHARS = 256 * 1024
const CRC_BYTES = 8

/** A block that is whole, and how its files looked then: first the manifest, then the others in their order. */
export interface KnownBlock {
  readonly block: LoadedBlock
  readonly looks: readonly FileLook[]
}

/** Writes the file anew. @throws BlockgateError of the disk */
export async function writeKnown(
  files: LocalFiles,
  { path, sink }: { readonly path: string; readonly sink: string },
  blocks: AsyncIterable<KnownBlock>,
  signal: AbortSignal,
): Promise<void> {
  // Of a process that dies meanwhile the next start removes what is left.
  const temp = below(path, `.blockgate-tmp/${NAME.slice(1)}`)
  await files.writeAtomic(temp, lines(sink, blocks), signal)
  await files.rename(temp, below(path, NAME))
}

export async function removeKnown(files: LocalFiles, { path }: { readonly path: string }): Promise<void> {
  await files.remove(below(path, NAME))
}

/** What the file says; nothing where it is missing, damaged, of another version or another sink. */
export async function readKnown(
  files: LocalFiles,
  { path, sink }: { readonly path: string; readonly sink: string },
  host: Host,
): Promise<readonly KnownBlock[]> {
  const file = below(path, NAME)
  const [look] = (await files.look?.([file])) ?? []
  if (!look) return []
  try {
    return await parse(files, file, look.size, sink, host)
  } catch {
    return []
  }
}

async function* lines(sink: string, blocks: AsyncIterable<KnownBlock>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  const crc = new Crc32c()
  const encoded = (text: string) => {
    const bytes = encoder.encode(text)
    crc.update(bytes)
    return bytes
  }
  let part = `${JSON.stringify({ version: VERSION, sink })}\n`
  for await (const { block, looks } of blocks) {
    const numbers = looks.flatMap(({ size, modified, inode }) => [size, modified, inode])
    part += `${JSON.stringify([block.bytes, block.fence ?? null, numbers, block.meta])}\n`
    if (part.length < WRITE_CHARS) continue
    yield encoded(part)
    part = ''
  }
  yield encoded(part)
  yield encoder.encode(crc.digest().toString(16).padStart(CRC_BYTES, '0'))
}

async function parse(
  files: LocalFiles,
  file: string,
  size: number,
  sink: string,
  host: Host,
): Promise<readonly KnownBlock[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const crc = new Crc32c()
  const known: KnownBlock[] = []
  let rest = ''
  let isFirst = true
  const end = size - CRC_BYTES
  for (let at = 0; at < end; at += READ_BYTES) {
    const bytes = await files.read(file, at, Math.min(READ_BYTES, end - at))
    crc.update(bytes)
    const text = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = text.pop() ?? ''
    for (const line of text) {
      const value = JSON.parse(line)
      if (!isFirst) known.push(knownOf(value))
      else if (value.version !== VERSION || value.sink !== sink) return []
      isFirst = false
      if (known.length % 16 === 0) await pause(host)
    }
  }
  const told = decoder.decode(await files.read(file, end, CRC_BYTES))
  return rest === '' && told === crc.digest().toString(16).padStart(CRC_BYTES, '0') ? known : []
}

/** Its checksum says that we wrote it. */
function knownOf([bytes, fence, numbers, meta]: [number, number | null, readonly number[], BlockMeta]): KnownBlock {
  if (!isBlockId(meta.ulid)) throw new TypeError('no block')
  const looks: FileLook[] = []
  for (let i = 0; i < numbers.length; i += 3) {
    looks.push({ size: numbers[i] ?? 0, modified: numbers[i + 1] ?? 0, inode: numbers[i + 2] ?? 0 })
  }
  const labels: BlockMeta['labels'] = Object.assign(Object.create(null), meta.labels)
  return { block: { meta: { ...meta, labels, readAhead: meta.readAhead }, bytes, fence: fence ?? undefined }, looks }
}
