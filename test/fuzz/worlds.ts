/** What is damaged: blocks with queries of them, and the answers that are right. */
import { BlockgateError } from 'blockgate'
import fc from 'fast-check'
import type { EntryCache } from '../../src/cache/entry-cache.ts'
import { Querier } from '../../src/query/querier.ts'
import { QueryRun } from '../../src/query/query-run.ts'
import { remoteRead } from '../../src/query/remote-read/read.ts'
import type { Snappy } from '../../src/query/remote-read/request.ts'
import { type AnyBlock, type AnyQuery, blocksAndQuery } from '../query/any-block.ts'
import { naiveSeries } from '../query/naive-reader.ts'
import { request } from '../query/requests.ts'
import { type BlockOfFiles, sinkOfFiles } from '../query/sink-of.ts'
import { blockFiles } from '../support/block-files.ts'

/** Samples, a stream of chunks, or names and values of labels. */
export const FORMS = ['samples', 'streamed', 'labels'] as const
export type Form = (typeof FORMS)[number]

/** As the sink keeps a block: whole, or its index-header alone. */
export const KINDS = ['whole', 'headers'] as const
export type Kind = (typeof KINDS)[number]

export interface World {
  readonly blocks: readonly AnyBlock[]
  readonly query: AnyQuery
  readonly files: readonly Map<string, Uint8Array>[]
  /** Undefined where the answer is an error. */
  readonly right: Readonly<Record<Form, Uint8Array | undefined>>
}

/** Snappy's format, without what it is for. */
export const plain: Snappy = { compress: bytes => Uint8Array.from(bytes), uncompress: bytes => Uint8Array.from(bytes) }
const TYPES = ['=', '!=', '=~', '!~']
const { signal } = new AbortController()
const encoder = new TextEncoder()

/** @param count worlds whose answers are not empty */
export async function worlds(count: number, seed: number): Promise<readonly World[]> {
  const found = fc
    .sample(blocksAndQuery, { numRuns: 20 * count, seed })
    .filter(({ blocks, query }) => naiveSeries(blocks, query).some(({ floats }) => floats.length > 1))
    .slice(0, count)
  if (found.length < count) throw new Error(`there must be ${count} worlds with an answer: there are ${found.length}`)
  return await Promise.all(
    found.map(async ({ blocks, query }) => {
      const files = blocks.map(block => blockFiles(block))
      const given = blocks.map((block, i) => blockOf(block, files[i] as Map<string, Uint8Array>))
      const answered = async (form: Form) => {
        try {
          return await answer(given, query, { form, kind: 'whole' })
        } catch (error) {
          if (error instanceof BlockgateError && error.code === 'unsupported') return undefined
          throw error
        }
      }
      const [samples, streamed, labels] = await Promise.all(FORMS.map(answered))
      return { blocks, query, files, right: { samples, streamed, labels } }
    }),
  )
}

/** @param sizes what the meta says of the files; that is what they are, where it is left out */
export function blockOf(
  { external, from, end }: AnyBlock,
  files: Map<string, Uint8Array>,
  sizes?: ReadonlyMap<string, Uint8Array>,
): BlockOfFiles {
  const declared = [...(sizes ?? files)].map(([path, { length }]) => ({ path, size: length }))
  const meta = { labels: external, minTime: from, maxTime: end }
  return { meta: { ...meta, files: declared.filter(({ path }) => path !== 'index-header') }, files }
}

/** More reads of blocks that small are a loop. */
const MAX_READS = 2_000

/** @throws BlockgateError of whatever is wrong with the blocks; Error where a rule of ours is broken */
export async function answer(
  blocks: readonly BlockOfFiles[],
  query: AnyQuery,
  { form, kind, cache }: { readonly form: Form; readonly kind: Kind; readonly cache?: EntryCache },
): Promise<Uint8Array> {
  const { sink, state } = sinkOfFiles(blocks, { kind })
  const [result] = await Promise.allSettled([answerOf(new Querier({ sink, cache }), query, form)])
  if (state.open !== 0) throw new Error(`every reader must be closed after a query: ${state.open} are open`)
  if (state.reads > MAX_READS) throw new Error(`a query must read <= ${MAX_READS} times: it read ${state.reads} times`)
  if (result.status === 'rejected') throw result.reason
  return result.value
}

async function answerOf(querier: Querier, { matchers, from, to }: AnyQuery, form: Form): Promise<Uint8Array> {
  if (form === 'labels') {
    const asked = { match: [matchers], from, to }
    const names = await querier.labelNames(asked, signal)
    const values = await Promise.all([...names, 'missing'].map(name => querier.labelValues(name, asked, signal)))
    return encoder.encode(JSON.stringify([names, values]))
  }
  const numbered = matchers.map(({ type, name, value }) => [TYPES.indexOf(type), name, value] as const)
  const body = request(numbered, from, to, [form === 'samples' ? 0 : 1], plain.compress)
  const response = await remoteRead(body, { querier, snappy: plain }, new QueryRun(signal))
  if (response.body instanceof Uint8Array) return response.body
  return new Uint8Array(await new Response(response.body).arrayBuffer())
}
