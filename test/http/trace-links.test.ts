/** Each event of a block leads to the trace that tells of it: in the API and on its page. */
import { createApp, pages } from 'blockgate/http'
import { type Spans, spans, testId } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlockDetails } from '../../src/http/schema/answers.ts'
import { blocks, scriptedOwnership, world } from '../support/world.ts'
import { fits } from './described.ts'

const JAEGER = 'http://jaeger:16686/trace/{traceId}'
const PATH = `/api/v1/blocks/${testId(2)}`

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

/** Block 2 was denied, then gained. */
async function made(url: string | undefined) {
  const ownership = scriptedOwnership([1])
  const { gateway, config, host } = await world({ ownership, list: blocks(1, 2) })
  const app = createApp({ gateway, config: { ...config, traces: { url } }, host, version: '1.2.3', pages })
  await gateway.sync()
  ownership.gain(2)
  await host.advance(5)
  await gateway.sync()
  await gateway.sync()
  const json = async () => {
    const response = await app.request(PATH)
    const body = (await response.json()) as BlockDetails
    fits('/api/v1/blocks/{ulid}', 'get', 200, body)
    return body.history
  }
  return { app, json, gateway }
}

/** The trace of block 2 whose root has this outcome. */
function traceOf(outcome: string): string | undefined {
  const roots = recorded.finished().filter(({ parentSpanContext }) => parentSpanContext === undefined)
  const of = roots.filter(({ attributes }) => attributes['block.id'] === testId(2))
  return of.find(({ attributes }) => attributes['block.outcome'] === outcome)?.spanContext().traceId
}

describe('the events of a block', () => {
  it('have the id of their trace, and its page where the config says where that is', async () => {
    const { json } = await made(JAEGER)
    const [denied, added] = [traceOf('skipped'), traceOf('added')]
    expect(denied).not.toBe(added)
    expect((await json()).map(({ kind, traceId, traceUrl }) => [kind, traceId, traceUrl])).toEqual([
      ['skipped', denied, `http://jaeger:16686/trace/${denied}`],
      ['added', added, `http://jaeger:16686/trace/${added}`],
    ])
  })

  it('have the id alone where it does not', async () => {
    const { json, app } = await made(undefined)
    const added = traceOf('added')
    const [, event] = await json()
    expect([event?.traceId, Object.keys(event ?? {})]).toEqual([added, expect.not.arrayContaining(['traceUrl'])])
    expect(await (await app.request(`/blocks/${testId(2)}`)).text()).toContain(`title="${added}"`)
  })

  it('have a link on the page', async () => {
    const { app } = await made(`${JAEGER}?from="x"&to=<y>`)
    const page = await (await app.request(`/blocks/${testId(2)}`)).text()
    const added = traceOf('added')
    const link = `<a href="http://jaeger:16686/trace/${added}?from=&quot;x&quot;&amp;to=&lt;y&gt;" rel="noreferrer">${added?.slice(0, 8)}</a>`
    expect(page).toContain(link)
  })

  it('have none where nobody traces', async () => {
    recorded.stop()
    const { json, app } = await made(JAEGER)
    expect((await json()).filter(event => 'traceId' in event)).toEqual([])
    expect(await (await app.request(`/blocks/${testId(2)}`)).text()).not.toContain('jaeger')
  })
})
