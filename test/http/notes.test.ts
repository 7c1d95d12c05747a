import type { Candidate } from 'blockgate'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { candidate, fakeHost, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { BlockDetails, Runs } from '../../src/http/schema/answers.ts'
import { blocks } from '../support/world.ts'
import { appWorld } from './app-world.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY = 86_400_000
const { signal } = new AbortController()
const marked = (n: number, given: Partial<Candidate>): Candidate =>
  candidate({ ulid: testId(n) }, { markers: ['deletion-mark.json'], ...given })

describe('what is known of a block is told beside the reason', () => {
  it('until when it is too fresh: by explain, in the API and on its page, for as long as it is', async () => {
    const block = candidate({ ulid: testId(NOW - 60_000) })
    const world = await appWorld({ list: [block], stages: [consistencyDelay()], host: fakeHost({ now: NOW }) })
    const { text, gateway, json } = world
    const detail = 'until 2026-01-01T00:29:00.000Z'
    for (let run = 0; run < 2; run++) {
      await gateway.sync()
      const { body } = await json<BlockDetails>(`/api/v1/blocks/${block.meta.ulid}`)
      expect(body).toMatchObject({ state: 'skipped', reason: 'too-fresh', detail })
      expect(await text(`/blocks/${block.meta.ulid}`)).toContain(detail)
      const told = await gateway.explain(block.meta.ulid, signal)
      expect(told.steps.find(({ reason }) => reason === 'too-fresh')?.detail).toBe(detail)
    }
    await world.host.advance(29 * 60_000)
    await gateway.sync()
    expect((await json<BlockDetails>(`/api/v1/blocks/${block.meta.ulid}`)).body).toMatchObject({ detail: null })
  })

  it('a loaded block that is kept keeps what was said of it', async () => {
    const block = candidate({ ulid: testId(NOW - 60_000) })
    const world = await appWorld({ list: [block], stages: [consistencyDelay()], host: fakeHost({ now: NOW }) })
    world.sink.hold(block)
    for (let run = 0; run < 3; run++) await world.gateway.sync()
    const { body } = await world.json<BlockDetails>(`/api/v1/blocks/${block.meta.ulid}`)
    expect(body).toMatchObject({ state: 'serving', reason: 'too-fresh', detail: 'until 2026-01-01T00:29:00.000Z' })
  })

  it('which block holds all of it', async () => {
    const select = {
      kind: 'set',
      name: 'one',
      select: (all: readonly Candidate[]) =>
        all.map(({ meta }, at) =>
          at > 0 ? { id: meta.ulid, skip: 'duplicate', supersededBy: testId(1) } : { id: meta.ulid },
        ),
    } as const
    const { gateway, json } = await appWorld({ list: blocks(1, 2), stages: [select] })
    await gateway.sync()
    const { body } = await json<BlockDetails>(`/api/v1/blocks/${testId(2)}`)
    expect(body).toMatchObject({ reason: 'duplicate', detail: `${testId(1)} holds all of it` })
  })

  it('when it was marked for deletion, and in every run how many are and since when', async () => {
    const list = [
      marked(1, { deletionTime: NOW - 3 * DAY }),
      marked(2, { deletionTime: NOW - DAY / 2 }),
      candidate({ ulid: testId(3) }),
    ]
    const world = await appWorld({ list, stages: [notDeleted()], host: fakeHost({ now: NOW }) })
    for (let run = 0; run < 2; run++) {
      const { summary } = await world.gateway.sync()
      expect(summary.marked).toEqual({ count: 2, oldest: NOW - 3 * DAY, newest: NOW - DAY / 2 })
    }
    const { body } = await world.json<BlockDetails>(`/api/v1/blocks/${testId(1)}`)
    expect(body).toMatchObject({ reason: 'marked-for-deletion', detail: 'marked at 2025-12-29T00:00:00.000Z' })
    expect((await world.json<BlockDetails>(`/api/v1/blocks/${testId(2)}`)).body).toMatchObject({
      state: 'serving',
      deletionTime: NOW - DAY / 2,
    })
    expect(await world.text(`/blocks/${testId(2)}`)).toContain('2025-12-31T12:00:00.000Z')
  })
})

describe('what is wrong about a block that is offered', () => {
  it('is logged once, and told in every run, in the API and on its page', async () => {
    const note = 'deletion-mark.json: <version> must be 1'
    const { text, gateway, json, host } = await appWorld({ list: [marked(1, { notes: [note] }), ...blocks(2)] })
    for (let run = 0; run < 3; run++) {
      const { summary } = await gateway.sync()
      expect(summary.notes).toEqual({ count: 1, first: [{ block: testId(1), note }] })
    }
    expect(host.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { block: testId(1), note } }])
    expect((await json<BlockDetails>(`/api/v1/blocks/${testId(1)}`)).body).toMatchObject({
      state: 'serving',
      notes: [note],
      deletionTime: null,
    })
    expect(await text(`/blocks/${testId(1)}`)).toContain(note.replace('<', '&lt;').replace('>', '&gt;'))
    expect((await json<Runs>('/api/v1/runs')).body.runs[0]?.notes.count).toBe(1)
  })

  it('is logged again when it is another thing, and named for 20 blocks of a run', async () => {
    const { gateway, host, source } = await appWorld({ list: [marked(1, { notes: ['this'] })] })
    const warned = () => host.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.note)
    await gateway.sync()
    source.list = [marked(1, { notes: ['this', 'that'] })]
    await gateway.sync()
    expect(warned()).toEqual(['this', 'that'])
    source.list = Array.from({ length: 25 }, (_, n) => marked(n + 10, { notes: ['more'] }))
    const { notes } = (await gateway.sync()).summary
    expect([notes.count, notes.first.length, warned().filter(note => note === 'more').length]).toEqual([25, 20, 20])
  })
})

it('a block that the source cannot offer has one word in the state, the failures and explain', async () => {
  const { gateway, source, json } = await appWorld({ list: blocks(1) })
  const error = Object.assign(new Error('503'), { code: 'bucket-failed', rawMessage: '503' })
  source.partial = [{ id: testId(2), reason: 'unreadable', error, keep: true }]
  const { summary } = await gateway.sync()
  expect(summary.failures).toEqual([{ block: testId(2), by: 'scripted', code: 'unreadable', message: '503' }])
  const { body } = await json<BlockDetails>(`/api/v1/blocks/${testId(2)}`)
  expect(body).toMatchObject({ state: 'partial', reason: 'unreadable', detail: '503' })
})
