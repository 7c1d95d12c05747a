import { linkSignals, orAborted, sleep } from 'blockgate'
import { fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { manyFollow } from '../../src/async/signals.ts'

describe('linkSignals', () => {
  it('aborts with the reason of the first parent that aborts', () => {
    const [a, b] = [new AbortController(), new AbortController()]
    const link = linkSignals(a.signal, undefined, b.signal)
    b.abort('b')
    a.abort('a')
    expect(link.signal.reason).toBe('b')
    expect(linkSignals(new AbortController().signal, AbortSignal.abort('gone')).signal.reason).toBe('gone')
  })

  it('aborts by itself without its parents', () => {
    const parent = new AbortController()
    const link = linkSignals(parent.signal)
    link.abort('own')
    expect([link.signal.reason, parent.signal.aborted]).toEqual(['own', false])
  })

  it('leaves no listener on a parent once disposed', () => {
    const listeners = new Set<unknown>()
    const parent = Object.assign(new AbortController().signal, {
      addEventListener: (_: string, listener: unknown) => listeners.add(listener),
      removeEventListener: (_: string, listener: unknown) => listeners.delete(listener),
    })
    const link = linkSignals(parent)
    expect(listeners.size).toBe(1)
    link[Symbol.dispose]()
    expect(listeners.size).toBe(0)
  })
})

describe('a signal that many follow', () => {
  it('gets no listener for a linked signal, and aborts those that are still linked, each of them once', () => {
    const parent = new AbortController()
    manyFollow(parent.signal)
    let listeners = 0
    Object.assign(parent.signal, { addEventListener: () => listeners++ })
    const [first, second, third] = [linkSignals(parent.signal), linkSignals(parent.signal), linkSignals(parent.signal)]
    second[Symbol.dispose]()
    const fourth = linkSignals(parent.signal)
    first.signal.onabort = () => third[Symbol.dispose]()
    parent.abort('gone')
    const reasons = [first, second, third, fourth].map(link => link.signal.reason)
    expect([listeners, ...reasons]).toEqual([0, 'gone', undefined, undefined, 'gone'])
    expect(linkSignals(parent.signal).signal.reason).toBe('gone')
  })

  it('gives the place of a disposed one to the next: two disposals of one do not let go of another', () => {
    const parent = new AbortController()
    manyFollow(parent.signal)
    const first = linkSignals(parent.signal)
    first[Symbol.dispose]()
    const second = linkSignals(parent.signal)
    first[Symbol.dispose]()
    parent.abort('gone')
    expect([first.signal.aborted, second.signal.reason]).toEqual([false, 'gone'])
  })
})

describe('sleep', () => {
  it("takes the host's time", async () => {
    const host = fakeHost()
    let woke = false
    const slept = sleep(host, 1_000).then(() => {
      woke = true
    })
    await host.advance(999)
    expect(woke).toBe(false)
    await host.advance(1)
    await slept
  })

  it('rejects with the reason of its signal, at once, and leaves no timer', async () => {
    const host = fakeHost()
    const controller = new AbortController()
    const slept = expect(sleep(host, 1_000, controller.signal)).rejects.toBe('enough')
    controller.abort('enough')
    await slept
    await expect(sleep(host, 1, controller.signal)).rejects.toBe('enough')
    expect(host.pendingTimers).toBe(0)
  })
})

describe('orAborted', () => {
  it('settles as the work does', async () => {
    const { signal } = new AbortController()
    expect(await orAborted(Promise.resolve(7), signal)).toBe(7)
    await expect(orAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
  })

  it('rejects with the reason when the signal is first, and a later failure of the work is nobody’s crash', async () => {
    const controller = new AbortController()
    const work = Promise.withResolvers<void>()
    const waited = expect(orAborted(work.promise, controller.signal)).rejects.toBe('time is up')
    controller.abort('time is up')
    await waited
    work.reject(new Error('late'))
    await settle()
    await expect(orAborted(Promise.reject(new Error('late')), controller.signal)).rejects.toBe('time is up')
  })
})
