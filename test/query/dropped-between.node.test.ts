// A request of several parts whose blocks are here when it begins: what is dropped before its part is read makes no answer short.
import type { BlockId, LoadedBlock } from 'blockgate'
import { expect, it } from 'vitest'
import { LAST, type QueryWorld, queryGateway } from './query-world.ts'
import { compress, request } from './requests.ts'
import type { Given } from './sink-of.ts'

const block = (n: string): Given => ({ labels: { block: n }, series: [[{ __name__: 'up' }, [[1000, 1]]]] })

/** Block b is dropped when something of block a is read first. */
async function dropping(partial: 'refuse' | 'answer' = 'refuse', a = block('a')): Promise<QueryWorld> {
  const made = await queryGateway({ blocks: [a, block('b')], serve: { partial } })
  const loaded = made.sink.loaded() as Map<BlockId, LoadedBlock>
  made.state.before = async () => {
    for (const [id, { meta }] of loaded) if (meta.labels.block === 'b') loaded.delete(id)
  }
  return made
}

/** A body that asks for both. */
function bothAs(accepted: readonly number[]): Uint8Array {
  const queries = ['a', 'b'].map(n => request([[0, 'block', n]], 0, LAST, accepted, bytes => bytes))
  return compress(Uint8Array.from(queries.flatMap(bytes => [...bytes])))
}
const both = bothAs([])

it('a remote read of two queries is refused', async () => {
  const { app, ended } = await dropping()
  const response = await app.request('/api/v1/read', { method: 'POST', body: both as BodyInit })
  expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('would be short')])
  expect(ended).toEqual([expect.objectContaining({ outcome: 'incomplete' })])
})

it('a remote read that may be answered in parts has a warning', async () => {
  const { app } = await dropping('answer')
  const response = await app.request('/api/v1/read', { method: 'POST', body: both as BodyInit })
  expect(response.status).toBe(200)
  expect(response.headers.get('x-blockgate-warnings')).toContain('would be short')
})

it.each(['series', 'labels', 'label/block/values'])('%s of two selectors is refused', async path => {
  const { app } = await dropping()
  const response = await app.request(`/api/v1/${path}?match[]=up{block="a"}&match[]=up{block="b"}`)
  expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('would be short')])
})

it('a stream that may be answered in parts breaks off where a block is dropped after it began: nobody would be told', async () => {
  // Larger than what is handed on at once.
  const samples = Array.from({ length: 300 }, (_, i) => [1000 * i, Math.sin(i)] as const)
  const many = Array.from({ length: 500 }, (_, i) => [{ __name__: 'up', i: String(i) }, samples] as const)
  const { app } = await dropping('answer', { labels: { block: 'a' }, series: many })
  const body = bothAs([1])
  const response = await app.request('/api/v1/read', { method: 'POST', body: body as BodyInit })
  expect([response.status, response.headers.get('x-blockgate-warnings')]).toEqual([200, null])
  await expect(response.arrayBuffer()).rejects.toThrow('would be short')
})
