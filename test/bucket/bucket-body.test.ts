import { type BodyEnd, exactBytes, objectBody, resolveRange, streamSource } from 'blockgate/bucket'
import { settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const info = { key: 'a', size: 3, etag: 'e', modified: 0 }
const { signal } = new AbortController()

/** A body of one-byte chunks that writes down what is asked of its source. */
function make(size: number, failAt?: number) {
  const log: (string | BodyEnd)[] = []
  const controller = new AbortController()
  let at = 0
  const source = {
    async read() {
      log.push('read')
      if (at === failAt) throw new Error('broken')
      return at < size ? Uint8Array.of(at++) : undefined
    },
    close: (how: BodyEnd) => void log.push(how),
  }
  return { body: objectBody(info, source, controller.signal), source, log, controller }
}

describe('objectBody()', () => {
  it('reads nothing before it is asked, and no further than it is asked', async () => {
    const { body, log } = make(3)
    await settle()
    expect(log).toEqual([])
    const reader = body.stream.getReader()
    await reader.read()
    await settle()
    expect(log).toEqual(['read'])
  })

  it('closes its source once when it was read to the end, whatever comes then, and gives its bytes once', async () => {
    const { body, log, controller } = make(2)
    expect(await body.bytes(2)).toEqual(Uint8Array.of(0, 1))
    await body[Symbol.asyncDispose]()
    controller.abort()
    expect(log).toEqual(['read', 'read', 'read', { end: 'read' }])
    await expect(body.bytes(2)).rejects.toThrow('was read or disposed before')
  })

  it('closes its source once when it is disposed, aborted and disposed again', async () => {
    const { body, log, controller } = make(2)
    await body[Symbol.asyncDispose]()
    controller.abort()
    await body[Symbol.asyncDispose]()
    expect(log).toEqual([{ end: 'cancelled' }])
  })

  it('closes its source with the error that reading it gave', async () => {
    const { body, log } = make(3, 1)
    await expect(body.bytes(3)).rejects.toThrow('broken')
    await body[Symbol.asyncDispose]()
    expect(log).toEqual(['read', 'read', { end: 'error', error: new Error('broken') }])
  })

  it('stops reading at the chunk that goes over the limit', async () => {
    const { body, log } = make(100)
    await expect(body.bytes(2)).rejects.toThrow('body-too-large')
    expect(log).toEqual(['read', 'read', 'read', { end: 'cancelled' }])
  })

  it('is aborted from the start by a signal that has aborted', async () => {
    const { source, log } = make(1)
    const reason = new Error('too late')
    await expect(objectBody(info, source, AbortSignal.abort(reason)).bytes(1)).rejects.toBe(reason)
    expect(log).toEqual([{ end: 'error', error: reason }])
  })

  it('lets nobody take the end of a disposed stream for the end of the object', async () => {
    const { body } = make(3)
    const reader = body.stream.getReader()
    await reader.read()
    await body[Symbol.asyncDispose]()
    await expect(reader.read()).rejects.toThrow('was read or disposed before')
  })

  it('leaves no listener on the signal of a body that ended', async () => {
    const { source } = make(1)
    const listening = new Set<unknown>()
    const counted = Object.assign(new AbortController().signal, {
      addEventListener: (_: string, listener: unknown) => void listening.add(listener),
      removeEventListener: (_: string, listener: unknown) => void listening.delete(listener),
    })
    const body = objectBody(info, source, counted)
    expect(listening.size).toBe(1)
    await body.bytes(1)
    expect(listening.size).toBe(0)
  })

  it('errors the stream when its source cannot be closed at the end', async () => {
    const close = () => Promise.reject(new Error('cannot close'))
    await expect(objectBody(info, { ...make(1).source, close }, signal).bytes(1)).rejects.toThrow('cannot close')
  })
})

describe('streamSource()', () => {
  it('cancels the stream when the body is disposed', async () => {
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
    const stream = new ReadableStream<Uint8Array>({ pull: c => c.enqueue(Uint8Array.of(1)), cancel })
    await objectBody(info, streamSource(stream), signal)[Symbol.asyncDispose]()
    await cancelled
  })
})

describe('exactBytes()', () => {
  it.each([
    [2, 'it: 2 of 3 bytes came'],
    [4, 'it: more than 3 bytes came'],
  ])('fails a body of 3 bytes of which %i come, and it may be tried again', async (size, message) => {
    const body = objectBody(info, exactBytes('it', 3, make(size).source), signal)
    await expect(body.bytes(9)).rejects.toMatchObject({ message: expect.stringContaining(message), retryable: true })
  })
})

it.each([
  [undefined, 0, 10],
  [{ suffix: 4 }, 6, 10],
  [{ suffix: 100 }, 0, 10],
  [{ offset: 7, length: 100 }, 7, 10],
  [{ offset: 100, length: 1 }, 10, 10],
])('the range %o of 10 bytes is from %i to %i', (range, from, to) => {
  expect(resolveRange(range, 10)).toEqual({ from, to })
})
