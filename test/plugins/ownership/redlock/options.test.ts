import { describeProblem } from 'blockgate'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { expect, it } from 'vitest'
import { checkRedlock, type RedlockOptions } from '../../../../plugins/ownership/redlock/options.ts'

const CANARY = 'c4n/ry@:%?zq9'
const store = memoryStore()
const { hold: _, ...withoutSlots } = store
const clients = ['redis://127.0.0.1:7001']
const client = (options: object = {}) => ({
  options: { host: 'localhost', port: 6379, ...options },
  isCluster: false,
  duplicate() {},
})
const sentinels = ['a', 'b', 'c'].map(host => client({ name: 'mymaster', sentinels: [{ host, port: 26379 }] }))
const problems = (options: object) =>
  checkRedlock({ store, clients, ...options } as RedlockOptions).map(problem => describeProblem(problem))

it.each([
  {},
  { slots: 1, ttl: '1s', replicas: 16, handoverDelay: '1s' },
  { slots: 65_536 },
  { clients: ['rediss://u:p@h:1', client(), 'redis://h/2'] },
  { clients: sentinels },
])('options may be %o', options => {
  expect(problems(options)).toEqual([])
})

const LIST = 'clients: must be a list of lock servers, such as [url]: current value is'
const SERVER =
  'must be a redis:// or rediss:// URL with a host and nothing behind the database, or a client of ioredis for one Redis'
const ODD = 'clients: must have an odd number of lock servers (1 or 3): current value is'
const TWICE = 'clients: must name each lock server once: each has one vote: current value is'

it.each<[object, ...string[]]>([
  [
    { slots: 0, ttl: '999ms', replicas: 0 },
    'replicas: must be >= 1: current value is 0',
    'slots: must be >= 1: current value is 0',
    'ttl: must be >= 1000 ms: current value is "999ms"',
  ],
  [
    { slots: 65_537, replicas: 17 },
    'replicas: must be <= 16: current value is 17',
    'slots: must be <= 65536: current value is 65537',
  ],
  [{ slots: 1.5 }, 'slots: must be an integer: current value is 1.5'],
  [{ clients: undefined }, 'clients: must be given: current value is undefined'],
  [{ clients: [] }, `${ODD} []`],
  [{ clients: 'redis://u:p@h' }, `${LIST} "…@h"`],
  [{ clients: client({ password: CANARY }) }, `${LIST} "an object"`],
  [{ clients: ['redis://a', 'redis://u:p@b'] }, `${ODD} ["redis://a","…@b"]`],
  [{ clients: ['redis://a', 'http://u:p@h', 'redis://b'] }, `clients[1]: ${SERVER}: current value is "…@h"`],
  [{ clients: ['h:6379'] }, `clients[0]: ${SERVER}: current value is "h:6379"`],
  [{ clients: [5] }, `clients[0]: ${SERVER}: current value is 5`],
  [
    { clients: [{ ...client({ password: CANARY }), isCluster: true }] },
    `clients[0]: ${SERVER}: current value is "an object"`,
  ],
  [{ clients: ['redis://h', 'redis://b', 'redis://h:6379'] }, `${TWICE} ["redis://h","redis://b","redis://h:6379"]`],
  [{ clients: ['redis://h', 'rediss://u:p@H/1', 'redis://b'] }, `${TWICE} ["redis://h","…@H/1","redis://b"]`],
  [
    { clients: ['redis://h', client({ host: 'h', password: CANARY }), 'redis://b'] },
    `${TWICE} ["redis://h","an object","redis://b"]`,
  ],
])('problems say what must be: %o', (options, ...told) => {
  expect(problems(options)).toEqual(told)
})

it('a store without slots is none for this plugin, and there are no zones', () => {
  for (const none of [{}, withoutSlots])
    expect(problems({ store: none })[0]).toMatch(/^store: must be a member store, such as redisStore\(\)/)
  expect(problems({ zones: ['a'] })[0]).toMatch(/^zones: must be one of the known options: store, /)
})
