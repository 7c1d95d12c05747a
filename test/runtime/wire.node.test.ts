// Requests and answers by node:http itself, over a real socket.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { type Context, Hono } from 'hono'
import { expect, it, onTestFinished } from 'vitest'
import type { Wire } from '../../src/http/queries.ts'
import { Body, type Parts } from '../../src/query/remote-read/body.ts'
import { listen } from '../../src/runtime/server/listen.ts'
import { type NodeEnv, nodeWire } from '../../src/runtime/server/wire.ts'

const wire = nodeWire as Wire
const PART = 512 * 1024

interface Told {
  readonly events: string[]
  readonly ended: PromiseWithResolvers<unknown>
  readonly unused: PromiseWithResolvers<void>
}

function told(): Told {
  return { events: [], ended: Promise.withResolvers(), unused: Promise.withResolvers() }
}

/** Parts in two buffers that take turns: each is full of its number. */
async function* rotating(count: number, { events }: Told, failAt = -1): Parts {
  const buffers = [new Uint8Array(PART), new Uint8Array(PART)] as const
  try {
    for (let n = 0; n < count; n++) {
      if (n === failAt) throw new Error('the disk is gone')
      const buffer = buffers[n % 2] as Uint8Array
      buffer.fill(n + 1)
      events.push(`made ${n}`)
      yield buffer
    }
  } finally {
    events.push('over')
  }
}

async function served(parts: (told: Told) => Parts, all: Told, signal?: AbortSignal): Promise<string> {
  const app = new Hono().post('/', async c => {
    const gone = wire.signal(c)
    const body = await wire.body(c, 1_000)
    if (!body) return c.text('too long', 413)
    const onEnd = (error?: unknown) => all.ended.resolve(error)
    const options = { signal: signal ?? gone, onEnd, onUnused: () => all.unused.resolve() }
    wire.send(c, await Body.begun(parts(all), options))
    return c.body(null, 200, { 'x-got': String(body.length) })
  })
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close(0))
  return server.url
}

async function ask(url: string, body = 'abc'): Promise<IncomingMessage> {
  const asked = request(url, { method: 'POST', agent: false }).end(body)
  asked.on('error', () => {})
  const [answer] = await once(asked, 'response')
  return answer
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of answer) parts.push(part)
  return Buffer.concat(parts)
}

const turn = () => new Promise(resolve => setImmediate(resolve))

/** Of a client that takes nothing yet: parts are made until the socket is full, and then no more. */
async function untilFull({ events }: Told): Promise<void> {
  while (events.length < 3) await turn()
  let before = 0
  for (let still = 0; still < 50; still = events.length === before ? still + 1 : 0) {
    before = events.length
    await turn()
  }
}

it('each part is sent before its memory is used again, whatever the client takes', async () => {
  const all = told()
  const url = await served(each => rotating(40, each), all)
  const answer = await ask(url)
  expect([answer.statusCode, answer.headers['x-got'], answer.headers['transfer-encoding']]).toEqual([
    200,
    '3',
    'chunked',
  ])
  await untilFull(all)
  expect(all.events.length).toBeLessThan(40)
  const bytes = await bytesOf(answer)
  expect(bytes.length).toBe(40 * PART)
  for (let n = 0; n < 40; n++) {
    const part = bytes.subarray(n * PART, (n + 1) * PART)
    expect(
      part.every(byte => byte === n + 1),
      `part ${n}`,
    ).toBe(true)
  }
  expect(await all.ended.promise).toBeUndefined()
  await all.unused.promise
  expect(all.events.at(-1)).toBe('over')
})

it('the memory of the last part is not free before the client has taken it', async () => {
  const all = told()
  const large = new Uint8Array(64 * PART)
  const answer = await ask(
    await served(async function* ({ events }) {
      yield large
      events.push('over')
    }, all),
  )
  let isFree = false
  void all.unused.promise.then(() => {
    isFree = true
  })
  while (all.events.length === 0) await turn()
  for (let i = 0; i < 50; i++) await turn()
  expect(isFree).toBe(false)
  expect((await bytesOf(answer)).length).toBe(large.length)
  await all.unused.promise
})

it('a client that goes ends the parts, and their memory is free', async () => {
  const all = told()
  const answer = await ask(await served(each => rotating(1_000, each), all))
  answer.destroy()
  expect(await all.ended.promise).toMatchObject({
    code: 'aborted',
    message: expect.stringContaining('the client has gone'),
  })
  await all.unused.promise
  expect(all.events.at(-1)).toBe('over')
})

it('what breaks off in the middle breaks the answer off', async () => {
  const all = told()
  const answer = await ask(await served(each => rotating(10, each, 4), all))
  await expect(bytesOf(answer)).rejects.toThrow('aborted')
  expect(await all.ended.promise).toMatchObject({ message: 'the disk is gone' })
  await all.unused.promise
})

it('a signal breaks off an answer that nobody takes', async () => {
  const all = told()
  const late = new AbortController()
  const answer = await ask(await served(each => rotating(1_000, each), all, late.signal))
  await untilFull(all)
  late.abort(new Error('it takes too long'))
  // What the client would still have to take does not hold it up.
  await all.unused.promise
  await expect(bytesOf(answer)).rejects.toThrow('aborted')
  expect(await all.ended.promise).toMatchObject({ message: 'it takes too long' })
  expect(all.events.at(-1)).toBe('over')
})

/** What a client of HTTP/1.0 gets, to which nobody tells how long it is; rejects where the connection is reset. */
async function askedByOld(url: string, saysMore = true): Promise<Buffer> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  socket.write('POST / HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc')
  if (!saysMore) socket.end()
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part)
  return Buffer.concat(parts)
}

it('to a client of HTTP/1.0 an answer ends with its connection, and one that breaks off is told from it', async () => {
  const whole = told()
  const bytes = await askedByOld(await served(each => rotating(6, each), whole))
  const head = bytes.indexOf('\r\n\r\n') + 4
  expect(bytes.subarray(0, head).toString()).not.toMatch(/^(transfer-encoding|content-length)/im)
  expect(bytes.length - head).toBe(6 * PART)
  await whole.unused.promise
  const cut = told()
  const url = await served(each => rotating(6, each, 4), cut)
  await expect(askedByOld(url).then(({ length }) => length)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await cut.unused.promise
})

it('one who says nothing more counts as gone, and does not take what was sent by then for the answer', async () => {
  const all = told()
  const url = await served(each => rotating(1_000, each), all)
  await expect(askedByOld(url, false).then(({ length }) => length)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await all.ended.promise).toMatchObject({ message: expect.stringContaining('the client has gone') })
  await all.unused.promise
})

it('one who said so before anybody asked counts as gone, too', async () => {
  const isGone = Promise.withResolvers<boolean>()
  const app = new Hono<{ Bindings: NodeEnv }>().post('/', async c => {
    await once(c.env.incoming.socket, 'end')
    isGone.resolve(wire.signal(c as unknown as Context).aborted)
    return c.text('')
  })
  const server = await listen(app as unknown as Hono, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close(0))
  const [answer, gone] = await Promise.all([askedByOld(server.url, false), isGone.promise])
  expect([answer.length, gone]).toEqual([0, true])
})

it('a body that is too long is refused, and one that is empty is none', async () => {
  const url = await served(each => rotating(1, each), told())
  expect((await ask(url, 'x'.repeat(1_000))).headers['x-got']).toBe('1000')
  expect((await ask(url, 'x'.repeat(200_000))).statusCode).toBe(413)
  expect((await ask(url, '')).headers['x-got']).toBe('0')
})

it('an answer that has no such body goes as it is', async () => {
  const app = new Hono().get('/', c => c.text('plain'))
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close(0))
  expect(await (await fetch(server.url)).text()).toBe('plain')
})
