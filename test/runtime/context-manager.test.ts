import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { AsyncContextManager } from '../../src/runtime/context-manager.ts'

const key = createContextKey('test')
const one = ROOT_CONTEXT.setValue(key, 1)

describe('AsyncContextManager', () => {
  it('keeps a context across awaits, goes back to the outer one, and is at the root outside of any', async () => {
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

  it('calls and binds a function with its this, its arguments and its length, and returns what is none', () => {
    const manager = new AsyncContextManager()
    const target = {
      name: 'target',
      seen(first: string, second: string) {
        return [this.name, first, second, manager.active()]
      },
    }
    expect(manager.with(one, target.seen, target, 'a', 'b')).toEqual(['target', 'a', 'b', one])
    const bound = manager.bind(one, target.seen)
    expect(bound.length).toBe(2)
    expect(bound.call(target, 'a', 'b')).toEqual(['target', 'a', 'b', one])
    expect(manager.bind(one, target)).toBe(target)
  })
})
