// Queries of a gateway that is being stopped: those that run may end, before what they read with is stopped.
import { BlockgateError, ErrorCode } from 'blockgate'
import { expect, it } from 'vitest'
import { serveGateway } from '../../src/runtime/node-server.ts'
import { gate, LAST, type QueryWorld, queryGateway, UP } from './query-world.ts'
import { request } from './requests.ts'

const world = () => queryGateway({ blocks: [{ series: [[{ __name__: 'up' }, [[1000, 1]]]] }] })

async function told(response: Response) {
  const { error } = (await response.json()) as { error?: { code: string; message: string } }
  return [response.status, error?.code, error?.message]
}
const REFUSED = [503, 'not-ready', 'the gateway is stopping']

/** What `close` has done after some turns. */
function closing(made: QueryWorld, ms: number) {
  const state = { isClosed: false }
  const closed = made.queries.close(ms).then(() => {
    state.isClosed = true
  })
  return { state, closed }
}

it('a query that runs ends; those that come are refused', async () => {
  const made = await world()
  const { reached, open } = gate(made.state)
  const running = made.read()
  await reached(1)
  const { state, closed } = closing(made, 2_000)
  expect(await told(await made.read())).toEqual(REFUSED)
  await made.host.advance(1_999)
  expect(state.isClosed).toBe(false)
  open()
  expect((await running).status).toBe(200)
  await closed
  expect(await told(await made.read())).toEqual(REFUSED)
})

it('one that takes too long is refused', async () => {
  const made = await world()
  const { reached } = gate(made.state)
  const running = made.read()
  await reached(1)
  const { closed } = closing(made, 2_000)
  await made.host.advance(2_000)
  expect(await told(await running)).toEqual(REFUSED)
  await closed
})

it('where none runs, there is nothing to wait for', async () => {
  const made = await world()
  expect((await made.read()).status).toBe(200)
  await closing(made, 2_000).closed
})

it.each([
  ['the gateway stops', true, REFUSED],
  ['all goes on', false, [500, 'stage-misuse', 'the bucket must be started before it is used']],
])('what a query fails with while %s', async (_, stops, answer) => {
  const made = await world()
  const [reached, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  made.state.before = async () => {
    reached.resolve()
    await goesOn.promise
    throw new BlockgateError(ErrorCode.stageMisuse, 'the bucket must be started before it is used')
  }
  const running = made.read()
  await reached.promise
  if (stops) await made.gateway.stop()
  goesOn.resolve()
  expect(await told(await running)).toEqual(answer)
})

it('the gateway itself stops after them', async () => {
  const made = await world()
  const { gateway, host, state } = made
  const http = { host: '127.0.0.1', port: 0 }
  const service = await serveGateway({ gateway, host, config: { ...made.config, http } })
  const { reached, open } = gate(state)
  const ask = () => fetch(`${service.url}/api/v1/read`, { method: 'POST', body: request([UP], 0, LAST) as BodyInit })
  const running = ask()
  await reached(1)
  const stopped = service.stop()
  expect(await told(await ask())).toEqual(REFUSED)
  expect(gateway.readiness.stopping).toBe(false)
  open()
  expect((await running).status).toBe(200)
  await stopped
  expect(gateway.readiness.stopping).toBe(true)
})
