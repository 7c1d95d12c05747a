import { describe, expect, it } from 'vitest'
import { shownOptions } from '../../src/contracts/shown-options.ts'

describe('shownOptions', () => {
  it('shows plain values as they are, and leaves out what is undefined', () => {
    const options = {
      for: '30m',
      of: 3,
      on: true,
      none: null,
      list: ['a', 1],
      nested: { deep: { x: 1n } },
      unset: undefined,
    }
    expect(shownOptions(options)).toEqual({
      for: '30m',
      of: 3,
      on: true,
      none: null,
      list: ['a', 1],
      nested: { deep: { x: '1' } },
    })
    expect(shownOptions(undefined)).toBe(undefined)
  })

  it.each([
    'secret',
    'clientSecret',
    'token',
    'SESSION_TOKEN',
    'password',
    'passphrase',
    'accessKeyId',
    'credentials',
    'authorization',
    'cookie',
  ])('hides what stands under %s, whatever it is', name => {
    expect(shownOptions({ [name]: 'hunter2' })).toEqual({ [name]: '(hidden)' })
    expect(shownOptions({ [name]: { inner: 'hunter2' } })).toEqual({ [name]: '(hidden)' })
    expect(shownOptions({ deep: [{ [name]: () => 'hunter2' }] })).toEqual({ deep: [{ [name]: '(hidden)' }] })
  })

  it('shows a switch, and a count that is no password, under a name that sounds secret', () => {
    expect(shownOptions({ tokens: 512, keyed: true, password: 1234 })).toEqual({
      tokens: 512,
      keyed: true,
      password: '(hidden)',
    })
  })

  it.each([
    ['redis://user:hunter2@host:6379/0', 'redis://(hidden)@host:6379/0'],
    ['redis://:hunter2@host', 'redis://(hidden)@host'],
    ['https://hunter2@host/path', 'https://(hidden)@host/path'],
    ['redis://user:hun/ter2@ho@st', 'redis://(hidden)@st'],
    ['https://host/path?X-Amz-Signature=hunter2&part=1', 'https://host/path?X-Amz-Signature=(hidden)&part=1'],
    ['https://host/path', 'https://host/path'],
    ['me@example.org', 'me@example.org'],
  ])('of the text %s it shows %s', (text, shown) => {
    expect(shownOptions({ text })).toEqual({ text: shown })
    expect(shownOptions([text])).toEqual([shown])
  })

  it('hides the user of a URL object, too', () => {
    expect(shownOptions({ endpoint: new URL('https://u:hunter2@host/') })).toEqual({
      endpoint: 'https://(hidden)@host/',
    })
  })

  it('names functions, classes and plugins instead of what they hold', () => {
    class Client {
      readonly secret = 'hunter2'
    }
    const store = { name: 'redis-store', options: { url: 'redis://:hunter2@host', prefix: 'a' }, start() {} }
    const options = {
      pick: function byName() {},
      anonymous: (
        () => () =>
          1
      )(),
      client: new Client(),
      store,
      at: new Map(),
      re: /a+/i,
    }
    expect(shownOptions(options)).toEqual({
      pick: 'function byName',
      anonymous: 'function',
      client: '[Client]',
      store: { plugin: 'redis-store', options: { url: 'redis://(hidden)@host', prefix: 'a' } },
      at: '[Map]',
      re: '/a+/i',
    })
    expect(shownOptions({ placement: { name: 'rendezvous', rank: () => [] } })).toEqual({ placement: 'rendezvous' })
  })

  it('ends with what is deep, long or a circle', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    expect(JSON.stringify(shownOptions(circle))).toContain('…')
    expect(shownOptions(Array(60).fill(1))).toHaveLength(51)
    expect(shownOptions('a'.repeat(1000))).toBe(`${'a'.repeat(300)}…`)
  })
})
