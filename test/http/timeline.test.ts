import { candidate, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { Timeline } from '../../src/http/schema/timeline.ts'
import { blocks } from '../support/world.ts'
import { appWorld } from './app-world.ts'

const HOUR = 3_600_000
const at = (n: number, cluster: string, level = 1) =>
  candidate({
    ulid: testId(n),
    minTime: n * HOUR,
    maxTime: (n + 1) * HOUR,
    labels: { cluster },
    compaction: { level, sources: [] },
  })

async function synced() {
  const made = await appWorld({ list: [at(1, 'eu'), at(2, 'us', 2), at(3, 'eu')] })
  made.source.partial = [{ id: testId(4), reason: 'no-meta-json', keep: false }]
  await made.gateway.sync()
  return { ...made, ask: async (query: string) => (await made.json<Timeline>(`/api/v1/timeline${query}`)).body }
}

describe('GET /api/v1/timeline', () => {
  it('tells blocks by columns, each text once, without those that have no times', async () => {
    const { ask } = await synced()
    const { columns, lanes, reasons, states, next } = await ask('')
    expect([lanes, reasons, next]).toEqual([['{cluster="eu"}', '{cluster="us"}'], ['added'], null])
    expect(columns).toEqual({
      ulid: [1, 2, 3].map(n => testId(n)),
      minTime: [HOUR, 2 * HOUR, 3 * HOUR],
      maxTime: [2 * HOUR, 3 * HOUR, 4 * HOUR],
      lane: [0, 1, 0],
      level: [1, 2, 1],
      resolution: [0, 0, 0],
      state: [1, 1, 1].map(() => states.indexOf('serving')),
      reason: [0, 0, 0],
    })
  })

  it('has pages', async () => {
    const { ask } = await synced()
    const first = await ask('?limit=2')
    expect([first.columns.ulid, first.next]).toEqual([[testId(1), testId(2)], testId(2)])
    const second = await ask(`?limit=2&after=${first.next}`)
    expect([second.columns.ulid, second.next]).toEqual([[testId(3)], null])
  })
})

describe('the filters of blocks', () => {
  it.each([
    ['label=cluster%3D%22eu%22', [1, 3]],
    ['label=%22us', [2]],
    [`from=${2 * HOUR}`, [2, 3]],
    [`to=${2 * HOUR}`, [1]],
    [`from=${2 * HOUR}&to=${3 * HOUR}`, [2]],
    ['from=1970-01-01T03:00:00Z', [3]],
    ['state=partial', [4]],
    ['label=eu&state=partial', []],
  ])('%s', async (query, numbers) => {
    const { json, text } = await synced()
    const { body } = await json<{ blocks: { ulid: string }[] }>(`/api/v1/blocks?${query}`)
    expect(body.blocks.map(({ ulid }) => ulid)).toEqual(numbers.map(n => testId(n)))
    const page = await text(`/blocks?${query}`)
    expect([...page.matchAll(/<a href="\/blocks\/(\w+)">/g)].map(([, id]) => id)).toEqual(numbers.map(n => testId(n)))
  })

  it.each(['from=soon', 'to=', 'from=1e99', `label=${'x'.repeat(1_001)}`])(
    '%s is refused, or as if it was left out',
    async query => {
      const { json } = await synced()
      expect((await json(`/api/v1/blocks?${query}`)).status).toBe(query === 'to=' ? 200 : 400)
    },
  )

  it('stay in the form, and in the address of the next page', async () => {
    const { text, gateway } = await appWorld({ list: blocks(1, 2, 3) })
    await gateway.sync()
    const page = await text('/blocks?from=1970-01-01&label=%7B&limit=1')
    expect(page).toContain(
      'name="from" aria-label="samples from" placeholder="from 2026-10-01" value="1970-01-01T00:00:00.000Z"',
    )
    expect(page).toContain('label=%7B&amp;from=1970-01-01T00%3A00%3A00.000Z')
  })
})
