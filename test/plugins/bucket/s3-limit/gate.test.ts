import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Gate, type Place } from '../../../../plugins/bucket/s3/limit/gate.ts'

const { signal } = new AbortController()
const settle = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

/** A gate of one place, which is taken, and what has been let through since. */
async function world(least = 1) {
  const host = fakeHost()
  const gate = new Gate(host, { start: 1, least, most: 2 })
  const through: string[] = []
  const places: Place[] = []
  const ask = (name: string, of = signal) =>
    gate.take(of).then(
      place => {
        through.push(name)
        places.push(place)
        return place
      },
      error => void through.push(`${name}: ${error.message}`),
    )
  const first = await gate.take(signal)
  return { host, gate, first, through, places, ask }
}

describe('the gate', () => {
  it('lets through in order, without those that gave up, and gives a place back once', async () => {
    const { first, through, places, ask } = await world()
    const caller = new AbortController()
    void ask('a')
    void ask('b', caller.signal)
    void ask('c')
    void ask('d')
    caller.abort(new Error('enough'))
    await settle()
    expect(through).toEqual(['b: enough'])
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    await settle()
    expect(through).toEqual(['b: enough', 'a'])
    places[0]?.[Symbol.dispose]()
    await settle()
    expect(through).toEqual(['b: enough', 'a', 'c'])
  })

  it('rejects at once with the reason of a signal that has aborted', async () => {
    const { gate } = await world()
    await expect(gate.take(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })

  it('lets nothing through while the endpoint wants nothing', async () => {
    const { host, first, through, ask } = await world()
    first.refused(5000)
    first[Symbol.dispose]()
    void ask('a')
    await host.advance(4999)
    expect(through).toEqual([])
    await host.advance(1)
    expect([through, host.pendingTimers]).toEqual([['a'], 0])
  })

  it('waits until the last of several pauses, and for none longer than 10 s', async () => {
    const { host, first, through, ask } = await world()
    first.refused(1000)
    first.refused(3_600_000)
    first.refused(500)
    first[Symbol.dispose]()
    void ask('a')
    await host.advance(9999)
    expect(through).toEqual([])
    await host.advance(1)
    expect(through).toEqual(['a'])
  })

  it('takes no notice of pauses where its limit is fixed', async () => {
    const host = fakeHost()
    const gate = new Gate(host, { start: 1, least: 1, most: 1 })
    const place = await gate.take(signal)
    place.refused(5000)
    place[Symbol.dispose]()
    await gate.take(signal)
    expect(host.pendingTimers).toBe(0)
  })

  it('leaves no timer when it is closed', async () => {
    const { host, gate, first } = await world()
    first.refused(5000)
    expect(host.pendingTimers).toBe(1)
    gate.close()
    expect(host.pendingTimers).toBe(0)
  })
})
