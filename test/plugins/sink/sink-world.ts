/** A started sink on a real disk, over a bucket that counts. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockSink, type Candidate, held, type LocalFiles } from 'blockgate'
import { blockContext, fakeHost, memoryBucket, services } from 'blockgate/testing'
import { onTestFinished } from 'vitest'
import { type DirectoryOptions, directory } from '../../../plugins/sink/directory/index.ts'
import { type IndexHeadersOptions, indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { countingBucket } from '../../support/counting-bucket.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexFile } from '../../support/index-file.ts'

export const { signal } = new AbortController()

interface Given {
  readonly root: string
  readonly files?: (files: LocalFiles) => LocalFiles
}

export type World = Awaited<ReturnType<typeof world>>

async function world(make: () => BlockSink, { root, files: wrap = files => files }: Given) {
  const host = fakeHost()
  const store = memoryBucket()
  const bucket = countingBucket(store)
  const all = { ...services({ host, bucket }), files: wrap(localFiles(root)) }
  const sink = make()
  await sink.start?.(all)
  onTestFinished(async () => sink.stop?.(AbortSignal.abort()))
  return {
    root,
    sink,
    services: all,
    bucket,
    store,
    lines: host.lines,
    paths: async () => (await all.files.list('')).map(({ path }) => path).toSorted(),
    ids: () => [...sink.loaded().keys()].toSorted(),
    /** What `prepare()` throws. */
    refused: (block: Candidate) =>
      sink.prepare(blockContext(block)).then(
        () => Promise.reject(new Error('prepare() must fail')),
        error => error,
      ),
    /** A new sink on the same disk. */
    async restart(given: Partial<typeof all> = {}) {
      const again = make()
      await again.start?.({ ...all, ...given })
      onTestFinished(async () => again.stop?.(AbortSignal.abort()))
      return again
    },
  }
}

export function directoryWorld({ root, files, ...options }: Given & DirectoryOptions): Promise<World> {
  return world(() => directory(options), { root, ...(files && { files }) })
}

export function headersWorld({ root, files, ...options }: Given & IndexHeadersOptions): Promise<World> {
  return world(() => indexHeaders(options), { root, ...(files && { files }) })
}

export async function add(sink: BlockSink, block: Candidate, fence?: number): Promise<void> {
  await using prepared = await sink.prepare(blockContext(block, { lease: { ...held, fence } }))
  await prepared.commit()
}

export const small: Uint8Array = indexFile({ series: [[['a', '1']], [['a', '2']]] })

/** A sound header, of another index. */
export function otherHeader(): Promise<Uint8Array> {
  return headerOf(indexFile({ series: [[['b', '1']]], moreSymbols: ['ccccc'] }))
}

/** Whether the header of the block on the disk is that of `index`. */
export async function hasHeaderOf(index: Uint8Array, root: string, id: string): Promise<boolean> {
  return Buffer.compare(await readFile(join(root, id, 'index-header')), await headerOf(index)) === 0
}
