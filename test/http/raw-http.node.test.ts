import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { parseListenAddress } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { serveGateway } from 'blockgate/runtime/node-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { blocks, type World, type WorldOptions, world } from '../support/world.ts'

interface Served extends World {
  readonly port: number
  /** Sends the parts, each when the one before is with the server's kernel, and resolves with all that came until the server closed. */
  raw(...parts: readonly string[]): Promise<string>
  open(): Promise<Socket>
}

async function served(options: WorldOptions = {}): Promise<Served> {
  const meters = setupMetrics()
  const made = await world({ list: blocks(1), metrics: meters.metrics, ...options })
  const config = { ...made.config, http: parseListenAddress('127.0.0.1:0') }
  const service = await serveGateway({ ...made, config, metrics: meters })
  onTestFinished(() => service.stop())
  const port = Number(new URL(service.url ?? '').port)
  const open = async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => {
      socket.destroy()
    })
    await once(socket, 'connect')
    return socket
  }
  return {
    ...made,
    port,
    open,
    async raw(...parts) {
      const socket = await open()
      const answer = untilEnd(socket)
      for (const part of parts) await new Promise<void>(sent => socket.write(part, () => sent()))
      return await answer
    },
  }
}

async function untilEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', data => {
    text += data
  })
  await once(socket, 'end')
  return text
}

const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)

const head = (line: string, ...headers: string[]) => [line, ...headers, '', ''].join('\r\n')
const POST = 'POST /api/v1/sync HTTP/1.1'
const HOST = 'host: localhost'
const CLOSE = 'connection: close'
const JSON_TYPE = 'content-type: application/json'
const CHUNKED = 'transfer-encoding: chunked'
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

describe('HTTP/1.0, as load balancers ask', () => {
  it.each(['', 'User-Agent: check\r\n', 'Host: gateway.example.org\r\n', 'Host:\r\n'])(
    'gets its answers with the headers %j',
    async headers => {
      const { raw, gateway } = await served()
      const get = async (path: string) => {
        const answer = await raw(`GET ${path} HTTP/1.0\r\n${headers}\r\n`)
        expect(answer).not.toMatch(/^transfer-encoding/im)
        return [...statuses(answer), bodyOf(answer)]
      }
      expect(await get('/-/healthy')).toEqual([200, 'healthy\n'])
      expect(await get('/-/ready')).toEqual([503, expect.anything()])
      await gateway.start()
      expect(await get('/-/ready')).toEqual([200, 'ready\n'])
      expect(await get('/metrics')).toEqual([200, expect.stringContaining('blockgate_blocks_loaded 1\n')])
      for (const path of ['/api/v1/blocks', '/blocks']) expect(await get(path)).toEqual([200, expect.anything()])
      const asked = await raw(`HEAD /-/ready HTTP/1.0\r\n${headers}\r\n`)
      expect([...statuses(asked), bodyOf(asked)]).toEqual([200, ''])
    },
  )

  it('may not change anything by leaving the host out', async () => {
    const { raw, host, results } = await served()
    const answer = await raw('POST /api/v1/sync HTTP/1.0\r\nContent-Length: 0\r\n\r\n')
    expect([statuses(answer), answer]).toEqual([[403], expect.stringContaining('as its host')])
    await host.advance(0)
    expect(results).toEqual([])
  })
})

describe('POST over a socket', () => {
  const post = (...headers: string[]) => head(POST, HOST, CLOSE, ...headers)
  const BODY = '{"confirmDrops":true}'
  const END = '0\r\n\r\n'
  const LONG = 'x'.repeat(5000)
  it.each<[string, string[], number | number[], boolean?]>([
    ['no length, as curl -X POST sends it', [post()], 202, false],
    ['an empty body', [post('content-length: 0')], 202, false],
    ['an empty chunked body', [post(CHUNKED), END], 202, false],
    ['a length', [post(JSON_TYPE, 'content-length: 21'), BODY], 202, true],
    ['chunks', [post(JSON_TYPE, CHUNKED), chunk(BODY.slice(0, 9)), chunk(BODY.slice(9)), END], 202, true],
    ['a slow client', [...post(JSON_TYPE, 'content-length: 21'), ...BODY], 202, true],
    [
      'a client that waits to go on',
      [post(JSON_TYPE, 'content-length: 21', 'expect: 100-continue'), BODY],
      [100, 202],
      true,
    ],
    ['chunks that are no JSON', [post(JSON_TYPE, CHUNKED), chunk('{'), END], 400],
    ['chunks of another type', [post('content-type: text/plain', CHUNKED), chunk('{}'), END], 415],
    ['chunks without a type', [post(CHUNKED), chunk('{}'), END], 415],
    ['a long body', [post(JSON_TYPE, 'content-length: 5000'), LONG], 413],
    ['long chunks', [post(JSON_TYPE, CHUNKED), chunk(LONG), END], 413],
    ['a length of 1025 that is not sent', [post(JSON_TYPE, 'content-length: 1025')], 413],
  ])('with %s', async (_, parts, status, confirmDrops) => {
    const { raw, results, host } = await served()
    const answer = await raw(...parts)
    expect(statuses(answer)).toEqual([status].flat())
    await host.advance(0)
    expect(results).toHaveLength(confirmDrops === undefined ? 0 : 1)
    if (confirmDrops !== undefined) expect(answer).toContain(`"confirmDrops":${confirmDrops}`)
    else expect(answer).toMatch(/\{"error":\{"code":"invalid-request","message":"the body must /)
    expect(host.lines.filter(line => line.level === 'error')).toEqual([])
  })

  it('that breaks off in the middle of its body begins no run, and the next request is answered', async () => {
    const { open, raw, results, host } = await served()
    for (const headers of [CHUNKED, 'content-length: 900']) {
      const socket = await open()
      await new Promise<void>(sent => socket.write(head(POST, HOST, JSON_TYPE, headers) + chunk('{'), () => sent()))
      socket.resetAndDestroy()
      await once(socket, 'close')
    }
    expect(statuses(await raw(head('GET /-/healthy HTTP/1.1', HOST, CLOSE)))).toEqual([200])
    await host.advance(0)
    expect(results).toEqual([])
    expect(host.lines.filter(line => line.level === 'error')).toEqual([])
  })
})

describe('on one connection', () => {
  it('pipelined requests are answered in their order, whatever the one before was', async () => {
    const { raw } = await served()
    const answer = await raw(
      head(POST, HOST) +
        head(POST, HOST, JSON_TYPE, CHUNKED) +
        chunk('x'.repeat(3000)) +
        '0\r\n\r\n' +
        head('HEAD /-/healthy HTTP/1.1', HOST) +
        head('OPTIONS /api/v1/sync HTTP/1.1', HOST, 'content-length: 2') +
        'ab' +
        head('DELETE /api/v1/blocks HTTP/1.1', HOST) +
        head('GET /api/v1/nothing HTTP/1.1', HOST) +
        head('GET /-/healthy HTTP/1.1', HOST, CLOSE),
    )
    expect(statuses(answer)).toEqual([202, 413, 200, 405, 405, 404, 200])
  })

  it.each([
    ['HEAD /metrics', 200],
    ['HEAD /api/v1/blocks', 200],
    ['HEAD /api/v1/sync', 405],
    ['OPTIONS /api/v1/blocks', 405],
    ['OPTIONS *', 400],
    ['TRACE /-/healthy', 405],
    ['PUT /-/healthy', 405],
    ['GET http://localhost/-/healthy', 200],
    ['GET //-/healthy', 404],
    ['GET /%ff%00', 404],
    ['GET /api/v1/blocks/%2e%2e%2f', 400],
    ['GET /blocks?state=%ff', 400],
  ])('%s is answered with %d, and the next request too', async (line, status) => {
    const { raw, host } = await served()
    const answer = await raw(head(`${line} HTTP/1.1`, HOST) + head('GET /-/healthy HTTP/1.1', HOST, CLOSE))
    expect(statuses(answer)).toEqual([status, 200])
    expect(host.lines.filter(entry => entry.level === 'error')).toEqual([])
  })

  it.each([
    ['HTTP/1.1 without a host', head('GET /-/healthy HTTP/1.1')],
    ['a host that is none', head('GET /-/healthy HTTP/1.1', 'host: a b', CLOSE)],
    ['a length and chunks', head(POST, HOST, 'content-length: 3', CHUNKED)],
    ['no HTTP at all', '\0\u0001 nonsense\r\n\r\n'],
  ])('%s is refused with 400', async (_, text) => {
    const { raw } = await served()
    expect(statuses(await raw(text))).toEqual([400])
  })
})
