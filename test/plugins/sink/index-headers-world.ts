/** A started indexHeaders() on a disk and a bucket that counts. */
import { type BlockSink, type Bucket, type Candidate, held, type LocalFiles, type Services } from 'blockgate'
import { blockContext, fakeHost, memoryBucket, services } from 'blockgate/testing'
import { type IndexHeadersOptions, indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { type CountingBucket, countingBucket } from '../../support/counting-bucket.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexFile } from '../../support/index-file.ts'

export interface World {
  readonly root: string
  readonly sink: BlockSink
  readonly services: Services & { readonly files: LocalFiles }
  readonly bucket: CountingBucket
  readonly store: Bucket
  readonly lines: ReturnType<typeof fakeHost>['lines']
}

interface Given extends IndexHeadersOptions {
  readonly root: string
  readonly files?: (files: LocalFiles) => LocalFiles
}

export async function world({ root, files: wrap, ...options }: Given): Promise<World> {
  const host = fakeHost()
  const store = memoryBucket()
  const bucket = countingBucket(store)
  const files = wrap?.(localFiles(root)) ?? localFiles(root)
  const sink = indexHeaders(options)
  const all = { ...services({ host, bucket }), files }
  await sink.start?.(all)
  return { root, sink, services: all, bucket, store, lines: host.lines }
}

export async function add(sink: BlockSink, block: Candidate, fence?: number): Promise<void> {
  await using prepared = await sink.prepare(blockContext(block, { lease: { ...held, fence } }))
  await prepared.commit()
}

export async function restart({ services }: World): Promise<BlockSink> {
  const sink = indexHeaders()
  await sink.start?.(services)
  return sink
}

export const small = indexFile({ series: [[['a', '1']], [['a', '2']]] })
/** A sound header, of another index. */
export function other(): Promise<Uint8Array> {
  return headerOf(indexFile({ series: [[['b', '1']]], moreSymbols: ['ccccc'] }))
}
