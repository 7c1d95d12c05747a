import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { AsyncContextManager } from '../../src/runtime/context-manager.ts'

const key = createContextKey('test')
const one = ROOT_CONTEXT.setValue(key, 1)

describe('AsyncContextManager', () => {
  it('is at the root context outside of any with()', () => {
    expect(new AsyncContextManager().active()).toBe(ROOT_CONTEXT)
  })

  it('keeps a context across awaits, and goes back to the outer one', async () => {
    const manager = new AsyncContextManager()
    const two = ROOT_CONTEXT.setValue(key, 2)
    const seen = await manager.with(one, async () => {
      await Promise.resolve()
      const inner = await manager.with(two, async () => {
        await Promise.resolve()
        return manager.active()
      })
      return [inner, manager.active()]
    })
    expect(seen).toEqual([two, one])
    expect(manager.active()).toBe(ROOT_CONTEXT)
  })

  it('hands over this and the arguments', () => {
    const counter = { start: 40, add: (n: number): number => n }
    counter.add = function add(this: typeof counter, n: number) {
      return this.start + n
    }
    expect(new AsyncContextManager().with(one, counter.add, counter, 2)).toBe(42)
  })

  it('binds a function to a context, and leaves its this and length alone', () => {
    const manager = new AsyncContextManager()
    const target = {
      name: 'target',
      seen(first: string, second: string) {
        return [this.name, first, second, manager.active()]
      },
    }
    const bound = manager.bind(one, target.seen)
    expect(bound.length).toBe(2)
    expect(bound.call(target, 'a', 'b')).toEqual(['target', 'a', 'b', one])
  })

  it('returns what is no function as it is', () => {
    const emitter = {}
    expect(new AsyncContextManager().bind(one, emitter)).toBe(emitter)
  })
})
