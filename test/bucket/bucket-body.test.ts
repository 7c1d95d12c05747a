import { type BodyEnd, objectBody, streamSource } from 'blockgate/bucket'
import { settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const info = { key: 'a', size: 3, etag: 'e', modified: 0 }

/** A body of one-byte chunks that writes down what is asked of its source. */
function make(size: number, failAt?: number) {
  const log: (string | BodyEnd)[] = []
  const controller = new AbortController()
  let at = 0
  const body = objectBody(
    info,
    {
      async read() {
        log.push('read')
        if (at === failAt) throw new Error('broken')
        return at < size ? Uint8Array.of(at++) : undefined
      },
      close: how => void log.push(how),
    },
    controller.signal,
  )
  return { body, log, controller }
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

  it('closes its source once when it was read to the end, whatever comes then', async () => {
    const { body, log, controller } = make(2)
    expect(await body.bytes(2)).toEqual(Uint8Array.of(0, 1))
    await body[Symbol.asyncDispose]()
    controller.abort()
    expect(log).toEqual(['read', 'read', 'read', { end: 'read' }])
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
    const log: BodyEnd[] = []
    const reason = new Error('too late')
    const source = { read: async () => undefined, close: (how: BodyEnd) => void log.push(how) }
    await expect(objectBody(info, source, AbortSignal.abort(reason)).bytes(1)).rejects.toBe(reason)
    expect(log).toEqual([{ end: 'error', error: reason }])
  })

  it('lets nobody take the end of a disposed stream for the end of the object', async () => {
    const { body } = make(3)
    const reader = body.stream.getReader()
    await reader.read()
    await body[Symbol.asyncDispose]()
    await expect(reader.read()).rejects.toThrow('must be read once, before it is disposed')
  })

  it('gives its bytes once: a second time is an error, not an empty body', async () => {
    const { body } = make(2)
    await body.bytes(2)
    await expect(body.bytes(2)).rejects.toThrow('must be read once')
  })

  it('leaves no listener on the signal of a body that ended', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    await objectBody(info, { read: async () => undefined, close() {} }, signal).bytes(1)
    expect(listeners).toBe(0)
  })

  it('errors the stream when its source cannot be closed at the end', async () => {
    const source = { read: async () => undefined, close: () => Promise.reject(new Error('cannot close')) }
    await expect(objectBody(info, source, new AbortController().signal).bytes(1)).rejects.toThrow('cannot close')
  })
})

describe('streamSource()', () => {
  it('cancels the stream when the body is disposed', async () => {
    let cancelled = false
    const stream = new ReadableStream<Uint8Array>({
      pull: c => c.enqueue(Uint8Array.of(1)),
      cancel() {
        cancelled = true
      },
    })
    await objectBody(info, streamSource(stream), new AbortController().signal)[Symbol.asyncDispose]()
    expect(cancelled).toBe(true)
  })
})
