/** What operators do by commands is a trace, with the step that the store made for it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { type DecodedSpan, decodeSpans, JSON_ENV } from '../runtime/otlp.ts'
import { blockgate, configText, project } from '../support/cli.ts'
import { startRedis } from '../support/redis.ts'
import { folder } from './world.ts'

async function collector(): Promise<{ readonly url: string; readonly spans: DecodedSpan[] }> {
  const spans: DecodedSpan[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    spans.push(...decodeSpans(Buffer.concat(chunks)))
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

const CONFIG = `
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { redisStore } from 'blockgate/plugins/store/redis'
`

it.each([
  [['freeze'], 'operator.freeze', { 'operator.on': true }, 'freeze', 'ok', 0],
  [['freeze', '--off'], 'operator.freeze', { 'operator.on': false }, 'freeze', 'ok', 0],
  [
    ['drain', '--member', 'gw-9'],
    'operator.drain',
    { 'operator.member': 'gw-9', 'operator.on': true },
    'drain',
    undefined,
    1,
  ],
])('blockgate %j', async (args, name, attributes, step, status, code) => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const { url, spans } = await collector()
  const made = project(folder())
  const store = `redisStore({ cluster: 'c', url: '${redis.url}' })`
  made.write(
    'blockgate.config.ts',
    CONFIG + configText(`owned(hashRing({ store: ${store} })),`, '', `http: false, instance: { id: 'gw-1' },`),
  )
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, ...JSON_ENV }
  const ended = await blockgate(args, { cwd: made.folder, env })
  expect([ended.code, ended.stderr.replace(/^blockgate: there is no member.*\n/, '')]).toEqual([code, ''])
  const action = spans.find(span => span.name === name)
  expect(action?.attributes).toMatchObject(attributes)
  const below = spans.find(span => span.name === `store.${step}`)
  expect([below?.parentSpanId, below?.attributes['store.status']]).toEqual([action?.spanId, status])
})
