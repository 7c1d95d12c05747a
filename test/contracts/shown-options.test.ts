import { expect, it } from 'vitest'
import { shownOptions } from '../../src/contracts/shown-options.ts'

class Client {
  readonly secret = 'hunter2'
}
const url = 'redis://:hunter2@host'
const store = { name: 'redis-store', options: { url, prefix: 'a' }, start() {} }

it.each<[what: string, value: unknown, shown: unknown]>([
  ['text, number, switch, null', ['30m', 3, true, null], ['30m', 3, true, null]],
  ['a list and an object', { list: ['a', 1], deep: { x: 1n } }, { list: ['a', 1], deep: { x: '1' } }],
  ['nothing', undefined, undefined],
  ['undefined inside', { a: 1, unset: undefined }, { a: 1 }],
  ['switches and counts under secret names', { tokens: 512, keyed: true }, { tokens: 512, keyed: true }],
  ['a number that is a password', { password: 1234 }, { password: '(hidden)' }],
  ['a URL', { endpoint: new URL('https://u:hunter2@host/') }, { endpoint: 'https://(hidden)@host/' }],
  ['a function', [function byName() {}], ['function byName']],
  [
    'an anonymous function',
    [
      (
        () => () =>
          1
      )(),
    ],
    ['function'],
  ],
  ['objects of classes', [new Client(), new Map(), /a+/i], ['[Client]', '[Map]', '/a+/i']],
  ['a plugin', { store }, { store: { plugin: 'redis-store', options: { url: 'redis://(hidden)@host', prefix: 'a' } } }],
  ['a plugin without options', { placement: { name: 'rendezvous', rank: () => [] } }, { placement: 'rendezvous' }],
  ['a long text', 'a'.repeat(1000), `${'a'.repeat(300)}…`],
  ['a long list', Array(60).fill(1), [...Array(50).fill(1), '… 10 more']],
])('%s', (_, value, shown) => {
  expect(shownOptions(value)).toEqual(shown)
})

it('a circle ends', () => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  expect(JSON.stringify(shownOptions(circle))).toContain('…')
})

const NAMES = ['secret', 'clientSecret', 'token', 'SESSION_TOKEN', 'password', 'passphrase']
it.each([...NAMES, 'accessKeyId', 'credentials', 'authorization', 'cookie'])('hides what stands under %s', name => {
  const hidden = { [name]: '(hidden)' }
  expect(shownOptions({ [name]: 'hunter2' })).toEqual(hidden)
  expect(shownOptions({ [name]: { inner: 'hunter2' } })).toEqual(hidden)
  expect(shownOptions({ deep: [{ [name]: () => 'hunter2' }] })).toEqual({ deep: [hidden] })
})

it.each([
  ['redis://user:hunter2@host:6379/0', 'redis://(hidden)@host:6379/0'],
  [url, 'redis://(hidden)@host'],
  ['https://hunter2@host/path', 'https://(hidden)@host/path'],
  ['redis://user:hun/ter2@ho@st', 'redis://(hidden)@st'],
  ['https://host/path?X-Amz-Signature=hunter2&part=1', 'https://host/path?X-Amz-Signature=(hidden)&part=1'],
  ['https://host/path', 'https://host/path'],
  ['me@example.org', 'me@example.org'],
])('of the text %s it shows %s', (text, shown) => {
  expect(shownOptions({ text, list: [text] })).toEqual({ text: shown, list: [shown] })
})
