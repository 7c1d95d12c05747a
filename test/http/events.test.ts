import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/http/schema/status.ts'
import { blocks, scriptedSink } from '../support/world.ts'
import { type AppWorld, appWorld } from './app-world.ts'
import { DESCRIPTION } from './described.ts'
import { misfits, type Schema } from './json-schema.ts'

interface Told {
  readonly name: string
  readonly id: string
  readonly data: Record<string, unknown>
}

/** Reads what comes next: the events of one chunk, or its comment. */
async function listening({ app }: Pick<AppWorld, 'app'>, id?: string) {
  const response = await app.request('/api/v1/events', { headers: id === undefined ? {} : { 'last-event-id': id } })
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
  const text = async () => {
    const { value, done } = await reader.read()
    return done ? undefined : new TextDecoder().decode(value)
  }
  const events = async (): Promise<Told[]> =>
    ((await text()) ?? '')
      .split('\n\n')
      .filter(Boolean)
      .map(part => {
        const [, name = '', id = '', data = ''] = /^event: (.*)\nid: (.*)\ndata: (.*)$/.exec(part) ?? []
        return { name, id, data: JSON.parse(data) }
      })
  return { response, reader, text, events }
}

describe('GET /api/v1/events', () => {
  it('tells at once how all is, as it is described, and then each change, with the runs that ended', async () => {
    const made = await appWorld({ list: blocks(1, 2) })
    const { host, gateway } = made
    const { response, events } = await listening(made)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    const [first] = await events()
    expect(first).toMatchObject({ name: 'status', data: { ready: false, blocks: 0 } })
    await gateway.sync()
    const next = events()
    await host.advance(1_000)
    const told = await next
    expect(told.map(({ name }) => name)).toEqual(['run', 'status'])
    expect(told[1]?.data).toMatchObject({ ready: true, blocks: 2, held: { blocks: 2, bytes: 2 }, waiting: 0 })
    const schemas = (DESCRIPTION.components as { readonly schemas: Record<string, Schema> }).schemas
    expect(misfits(told[0]?.data, schemas.Run ?? {}, DESCRIPTION)).toEqual([])
    expect(misfits(told[1]?.data, schemas.Status ?? {}, DESCRIPTION)).toEqual([])
  })

  it('goes on behind the last id that a client has: no run is missed, and none told twice', async () => {
    const made = await appWorld({ list: blocks(1) })
    const { host, gateway } = made
    const one = await listening(made)
    const [{ id = '' } = {}] = await one.events()
    await one.reader.cancel()
    await gateway.sync()
    await gateway.sync()
    await host.advance(1_000)
    const two = await listening(made, id)
    const told = await two.events()
    expect(told.map(({ name }) => name)).toEqual(['run', 'run', 'status'])
    const three = await listening(made, told[0]?.id)
    expect((await three.events()).map(({ id }) => id)).toEqual(told.slice(1).map(({ id }) => id))
    // An id of another process says nothing.
    for (const unknown of ['', 'x-1', 'x', `${id.split('-')[0]}-`]) {
      const four = await listening(made, unknown)
      expect((await four.events()).map(({ name }) => name)).toEqual(['status'])
    }
  })

  it('says nothing while nothing changes, but for a comment every 15 seconds', async () => {
    const made = await appWorld({ list: blocks(1) })
    await made.gateway.sync()
    const { events, text } = await listening(made)
    await events()
    const next = text()
    await made.host.advance(17_000)
    expect(await next).toBe(': heartbeat\n\n')
  })

  it('ends when the gateway stops, and leaves no timer', async () => {
    const made = await appWorld({ list: blocks(1) })
    const { events, text } = await listening(made)
    await events()
    await made.gateway.stop()
    const next = events()
    await made.host.advance(1_000)
    expect((await next).at(-1)?.data).toMatchObject({ stopping: true } satisfies Partial<Status>)
    expect(await text()).toBeUndefined()
    expect(made.host.pendingTimers).toBe(0)
    expect(await made.json('/api/v1/events')).toMatchObject({ status: 503, body: { error: { code: 'stopped' } } })
  })

  it('serves 32 clients, and one more once one of them has gone', async () => {
    const made = await appWorld()
    const all = await Promise.all(Array.from({ length: 32 }, () => listening(made)))
    const first = Promise.all(all.map(({ events }) => events()))
    await made.host.advance(1_000)
    await first
    const more = await made.app.request('/api/v1/events')
    expect([more.status, more.headers.get('retry-after')]).toEqual([503, '10'])
    await all[3]?.reader.cancel()
    expect((await listening(made)).response.status).toBe(200)
    expect(made.host.pendingTimers).toBeLessThanOrEqual(32)
  })

  it('keeps no old state for a client that is slow', async () => {
    const sink = scriptedSink()
    const made = await appWorld({ list: blocks(1, 2, 3), sink })
    const open = [1, 2, 3].map(n => sink.gate(n))
    const { events } = await listening(made)
    const run = made.gateway.sync()
    for (const gate of open) {
      await made.host.advance(2_000)
      gate()
    }
    await run
    await made.host.advance(2_000)
    await events()
    const next = events()
    await made.host.advance(1_000)
    const told = await next
    expect(told.map(({ name }) => name)).toEqual(['run', 'status'])
    expect(told[1]?.data).toMatchObject({ current: null, held: { blocks: 3 } })
  })
})
