/** Spans of what is asked of lock servers. */
import { SpanKind, trace } from '@opentelemetry/api'
import { type Spans, settle, spans } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Locks } from '../../../../plugins/ownership/redlock/locks.ts'
import { acquire, extend, type LockWorld, lockWorld, outcome, release, TIMEOUT, taken } from './lock-world.ts'

let recorded: Spans
let world: LockWorld
let a: Locks
let b: Locks
beforeEach(async () => {
  recorded = spans()
  world = lockWorld(3)
  a = await world.locksOf('a')
  b = await world.locksOf('b')
})
afterEach(async () => {
  await world.stop()
  recorded.stop()
})

const tree = () =>
  recorded.tree({ attributes: ['lock.resource', 'lock.result', 'server.address', 'error.type'] }).split('\n')

describe('the spans of locks', () => {
  it('say which servers there are, which granted, and how many must', async () => {
    await taken(a)
    await settle()
    const [span] = recorded.finished()
    expect([span?.name, span?.kind]).toEqual(['lock.acquire', SpanKind.CLIENT])
    expect(span?.attributes).toEqual({
      'db.system.name': 'redis',
      'db.operation.name': 'EVAL',
      'db.stored_procedure.name': 'acquire',
      'lock.resource': 'x',
      'lock.result': 'granted',
      'lock.servers': ['lock-0:6379', 'lock-1:6379', 'lock-2:6379'],
      'lock.granted': ['lock-0:6379', 'lock-1:6379', 'lock-2:6379'],
      'lock.quorum': 2,
    })
  })

  it('tell the server that is away, though a majority has granted', async () => {
    const [first] = world.servers
    if (first) first.up = false
    await world.host.advance(1)
    expect(await outcome(acquire(a, 'x'))).toMatchObject({ valid: true })
    await settle()
    expect(tree()).toEqual([
      'lock.acquire lock.resource=x lock.result=granted',
      expect.stringMatching(
        /^ {2}lock\.acquire\.server lock\.result=unknown server\.address=lock-0 error\.type=\S+ !error$/,
      ),
    ])
    expect(recorded.finished().at(-1)?.attributes['lock.granted']).toEqual(['lock-1:6379', 'lock-2:6379'])
  })

  it('tell who is refused once, however often it asks, and again when it was granted between', async () => {
    const lock = await taken(a)
    for (let i = 0; i < 3; i++) expect(await outcome(acquire(b, 'x'))).toBe(undefined)
    await release(lock)
    await release(await taken(b))
    await taken(a)
    expect(await outcome(acquire(b, 'x'))).toBe(undefined)
    await settle()
    const told = tree().filter(line => !line.startsWith(' '))
    expect(told).toEqual([
      'lock.acquire lock.resource=x lock.result=granted',
      'lock.acquire lock.resource=x lock.result=refused',
      'lock.release lock.resource=x lock.result=granted',
      'lock.acquire lock.resource=x lock.result=granted',
      'lock.release lock.resource=x lock.result=granted',
      'lock.acquire lock.resource=x lock.result=granted',
      'lock.acquire lock.resource=x lock.result=refused',
    ])
    expect(tree().filter(line => line.startsWith('  lock.acquire.server lock.result=refused'))).toHaveLength(6)
  })

  it('are none for renewals, but for the first that had no majority, and one that found the lock lost', async () => {
    const lock = await taken(a)
    await settle()
    recorded.reset()
    expect(await extend(lock)).toBe(true)
    await settle()
    expect(tree()).toEqual([''])
    for (const server of world.servers) server.hung = true
    for (let i = 0; i < 3; i++) {
      const asked = outcome(extend(lock))
      await world.host.advance(TIMEOUT)
      await asked
    }
    const isParent = (line: string) => !line.startsWith(' ')
    expect(tree().filter(isParent)).toEqual([
      'lock.extend lock.resource=x lock.result=unknown error.type=timeout !error',
    ])
    // The error stands on the servers that raised it, and the lock's own is what became of it.
    const told = recorded.finished().map(({ name, events }) => [name, events.length])
    expect(told.filter(([name]) => name === 'lock.extend.server')).toEqual(Array(3).fill(['lock.extend.server', 1]))
    for (const server of world.servers) {
      server.table.empty()
      server.hung = false
    }
    await world.host.advance(1)
    recorded.reset()
    expect(await outcome(extend(lock))).toBe(false)
    await settle()
    expect(tree()[0]).toBe('lock.extend lock.resource=x lock.result=refused')
  })

  it('are one trace where many are asked for at once, and stand in the trace that is active', async () => {
    await Promise.all(['1', '2', '3'].map(name => taken(a, name)))
    await settle()
    expect(tree().map(line => line.replace(/ lock\.res.*/, ''))).toEqual([
      'lock.requests',
      ...Array(3).fill('  lock.acquire'),
    ])
    recorded.reset()
    await trace.getTracer('test').startActiveSpan('outer', async span => {
      await taken(a, '4')
      await settle()
      span.end()
    })
    expect(tree()).toEqual(['outer', '  lock.acquire lock.resource=4 lock.result=granted'])
  })
})
