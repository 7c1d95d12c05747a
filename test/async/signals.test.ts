import { linkSignals, orAborted, sleep } from 'blockgate'
import { fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

describe('linkSignals', () => {
  it('aborts with the reason of the first parent that aborts', () => {
    const [a, b] = [new AbortController(), new AbortController()]
    const link = linkSignals(a.signal, undefined, b.signal)
    b.abort('b')
    a.abort('a')
    expect(link.signal.reason).toBe('b')
  })

  it('is aborted at once where a parent is', () => {
    expect(linkSignals(new AbortController().signal, AbortSignal.abort('gone')).signal.reason).toBe('gone')
  })

  it('aborts by itself without its parents', () => {
    const parent = new AbortController()
    const link = linkSignals(parent.signal)
    link.abort('own')
    expect(link.signal.reason).toBe('own')
    expect(parent.signal.aborted).toBe(false)
  })

  it('leaves no listener on a parent once disposed', () => {
    const listeners = new Set<unknown>()
    const parent = new AbortController().signal
    const { addEventListener, removeEventListener } = parent
    parent.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners.add(args[1])
      addEventListener.apply(parent, args)
    }
    parent.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners.delete(args[1])
      removeEventListener.apply(parent, args)
    }
    const link = linkSignals(parent)
    expect(listeners.size).toBe(1)
    link[Symbol.dispose]()
    expect(listeners.size).toBe(0)
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
    const slept = sleep(host, 1_000, controller.signal).catch((reason: unknown) => reason)
    controller.abort('enough')
    expect(await slept).toBe('enough')
    expect(host.pendingTimers).toBe(0)
    await expect(sleep(host, 1, controller.signal)).rejects.toBe('enough')
    expect(host.pendingTimers).toBe(0)
  })

  it('leaves no listener behind when it wakes', async () => {
    const host = fakeHost()
    const controller = new AbortController()
    const slept = sleep(host, 10, controller.signal)
    await host.advance(10)
    await slept
    controller.abort('late')
    await settle()
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
    const waited = orAborted(work.promise, controller.signal).catch((reason: unknown) => reason)
    controller.abort('time is up')
    expect(await waited).toBe('time is up')
    work.reject(new Error('late'))
    await settle()
    await expect(orAborted(Promise.reject(new Error('late')), controller.signal)).rejects.toBe('time is up')
  })
})
