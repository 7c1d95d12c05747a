import { memoryStore } from 'blockgate/plugins/store/memory'
import { expect, it } from 'vitest'
import { checkRedlock, type RedlockOptions } from '../../../../plugins/ownership/redlock/options.ts'

const store = memoryStore()
const clients = ['redis://127.0.0.1:7001']
const problems = (options: object) =>
  checkRedlock(options as RedlockOptions).map(
    ({ path, must, value }) => `${path} must ${must}: ${JSON.stringify(value)}`,
  )

it('options are checked, and each problem says what must be', () => {
  expect(problems({ store, clients })).toEqual([])
  expect(problems({ store, clients, slots: 1, ttl: '1s', replicas: 16, handoverDelay: '1s' })).toEqual([])
  expect(problems({ store, clients, slots: 65_536 })).toEqual([])
  expect(problems({ store, clients, slots: 0, ttl: '999ms', replicas: 0 })).toEqual([
    'replicas must be >= 1: 0',
    'slots must be >= 1: 0',
    'ttl must be >= 1000 ms: "999ms"',
  ])
  expect(problems({ store, clients, slots: 65_537, replicas: 17 })).toEqual([
    'replicas must be <= 16: 17',
    'slots must be <= 65536: 65537',
  ])
  expect(problems({ store, clients, slots: 1.5 })).toEqual(['slots must be an integer: 1.5'])
  expect(problems({ store: {}, clients })[0]).toMatch(/^store must be a member store, such as redisStore\(\)/)
  expect(problems({ store, clients, zones: ['a'] })[0]).toMatch(/^zones must be one of the known options: store, /)
})

it('a store without slots is told, and so are lock servers that are not there, or an even number', () => {
  const { hold: _, ...withoutSlots } = store
  expect(problems({ store: withoutSlots, clients })[0]).toMatch(/^store must be a member store/)
  expect(problems({ store })[0]).toMatch(/^clients must /)
  expect(problems({ store, clients: [...clients, 'redis://127.0.0.1:7002'] })[0]).toMatch(/^clients must .*odd number/)
})
