// A request of undici, driven by hand: what undici does at which moment is not left to a network.
import type { Dispatcher } from 'undici'
import { describe, expect, it } from 'vitest'
import { Flight } from '../../../../plugins/bucket/s3/light/flight.ts'

function world(dispatch: (flight: Flight) => void = () => {}) {
  const caller = new AbortController()
  const done: boolean[] = []
  const flight = new Flight(
    { origin: 'http://a', path: '/', headers: {}, signal: caller.signal },
    isOpen => void done.push(isOpen),
  )
  const calls: string[] = []
  let paused = false
  const controller = {
    get paused() {
      return paused
    },
    pause() {
      paused = true
      calls.push('pause')
    },
    resume() {
      paused = false
      calls.push('resume')
    },
    abort: (reason: Error) => void calls.push(`abort: ${reason.message}`),
  } as unknown as Dispatcher.DispatchController
  const client = { dispatch: () => dispatch(flight) } as unknown as Dispatcher
  return { caller, done, flight, calls, controller, begin: () => flight.begin(client) }
}

const bytes = (size: number, value = 1) => Buffer.alloc(size, value)

describe('a flight', () => {
  it('holds a connection back while nobody reads, and lets it go on as they are read', async () => {
    const { flight, controller, calls, begin } = world()
    const answer = begin()
    flight.onRequestStart(controller)
    flight.onResponseStart(controller, 200, { 'content-length': '600000', via: ['a', 'b'] })
    for (let i = 0; i < 4; i++) flight.onResponseData(controller, bytes(65_536, i))
    expect(calls).toEqual([])
    flight.onResponseData(controller, bytes(1, 4))
    expect(calls).toEqual(['pause'])
    const { body, header } = await answer
    expect([header('content-length'), header('via'), header('no')]).toEqual(['600000', 'a', undefined])
    expect(await body.read()).toEqual(new Uint8Array(65_536))
    expect(calls).toEqual(['pause', 'resume'])
    flight.onResponseEnd()
    for (let i = 1; i < 5; i++) expect((await body.read())?.[0]).toBe(i)
    expect(await body.read()).toBeUndefined()
  })

  it('gives what comes to the reader that waits, and the end too', async () => {
    const { flight, controller, done, begin } = world()
    begin()
    flight.onResponseStart(controller, 200, {})
    const first = flight.read()
    flight.onResponseData(controller, bytes(2))
    expect(await first).toEqual(Uint8Array.of(1, 1))
    const last = flight.read()
    flight.onResponseEnd()
    expect(await last).toBeUndefined()
    expect(done).toEqual([true])
    flight.destroy()
    expect(done).toEqual([true])
  })

  it('passes over the answers that come before the answer', async () => {
    const { flight, controller, begin } = world()
    const answer = begin()
    flight.onResponseStart(controller, 103, {})
    flight.onResponseStart(controller, 206, {})
    expect((await answer).status).toBe(206)
  })

  it.each(['before it began', 'while it waited for a connection', 'while it was under way'])(
    'aborted %s is over with the reason, once',
    async when => {
      const { caller, flight, controller, calls, done, begin } = world()
      const reason = new Error('enough')
      if (when === 'before it began') caller.abort(reason)
      const answer = begin()
      if (when === 'while it was under way') flight.onRequestStart(controller)
      caller.abort(reason)
      await expect(answer).rejects.toBe(reason)
      if (when === 'while it waited for a connection') flight.onRequestStart(controller)
      if (when !== 'before it began') expect(calls).toEqual(['abort: enough'])
      flight.onResponseError(controller, new Error('aborted'))
      expect(done).toEqual([false])
    },
  )

  it('that breaks in the middle of a body rejects who reads, now and later', async () => {
    const { flight, controller, done, begin } = world()
    begin()
    flight.onResponseStart(controller, 200, {})
    const next = flight.read()
    flight.onResponseError(controller, new Error('reset'))
    await expect(next).rejects.toThrow('reset')
    await expect(flight.read()).rejects.toThrow('reset')
    expect(done).toEqual([false])
  })

  it('that cannot be sent is an error, not a throw', async () => {
    const { begin, done } = world(() => {
      throw new Error('invalid header')
    })
    await expect(begin()).rejects.toThrow('invalid header')
    expect(done).toEqual([false])
  })

  it.each([
    [{ code: 'UND_ERR_SOCKET' }, 'ECONNRESET'],
    [{ code: 'UND_ERR_INFO' }, 'ECONNRESET'],
    [{ code: 'UND_ERR_CONNECT_TIMEOUT' }, 'ETIMEDOUT'],
    [{ code: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' }, 'HPE_INVALID_CONTENT_LENGTH'],
    [{ name: 'HTTPParserError' }, 'HPE_INVALID'],
    [{ code: 'ENOTFOUND' }, 'ENOTFOUND'],
  ])('that failed with %o has the code of Node, %s', async (error, code) => {
    const { flight, controller, begin } = world()
    const answer = begin()
    flight.onResponseError(controller, Object.assign(new Error('m'), error))
    await expect(answer).rejects.toMatchObject({ code, message: 'm' })
  })
})
