import { describe, expect, it } from 'vitest'
import { Failures } from '../../../../plugins/store/redis/failures.ts'

const SECRET = 'c4n/ry@:%?zq9'

describe('what redisStore() says of failures', () => {
  it('leaves secrets out of texts, as they are and as they stand in a URL', () => {
    const failures = new Failures('h:1', ['user', SECRET, ''])
    const text = `AUTH user ${SECRET} ${encodeURIComponent(SECRET)} at redis://x:y@z@h\r\nnext`
    expect(failures.unavailable('heartbeat', new Error(text)).message).toBe(
      'ownership-unavailable: Redis at h:1: heartbeat failed: AUTH (hidden) (hidden) (hidden) at redis://(hidden)@h next',
    )
  })

  it('keeps name, code and text of the cause, and not the command with its arguments', () => {
    // As ioredis rejects what waits when AUTH is refused.
    const refused = Object.assign(new Error(`WRONGPASS ${SECRET}`), {
      name: 'ReplyError',
      code: 'X',
      command: { name: 'auth', args: ['user', SECRET] },
    })
    const { cause } = new Failures('h:1', [SECRET]).unavailable('heartbeat', refused)
    expect({ ...(cause as Error) }).toEqual({ name: 'ReplyError', code: 'X' })
    expect([(cause as Error).message, (cause as Error).stack]).toEqual([
      'WRONGPASS (hidden)',
      'ReplyError: WRONGPASS (hidden)',
    ])
  })

  it('gives the reason that the connection told, for a command that only says that there is none', () => {
    const failures = new Failures('h:1', [])
    failures.connectionFailed(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))
    failures.connectionFailed(new Error('Connection is closed.'))
    const closed = new Error("Stream isn't writeable and enableOfflineQueue options is false")
    expect(failures.unavailable('heartbeat', closed).rawMessage).toBe('Redis at h:1: heartbeat failed: ECONNREFUSED')
    expect(failures.unavailable('heartbeat', new Error('OOM')).rawMessage).toMatch(/OOM$/)
    failures.connected()
    expect(failures.unavailable('heartbeat', closed).rawMessage).toMatch(/heartbeat failed: there is no connection$/)
  })

  it('gives what the last command failed with, for one that finds no connection after it', () => {
    const failures = new Failures('h:1', [])
    failures.unavailable('entries', new Error('Command timed out'))
    const closed = new Error("Stream isn't writeable and enableOfflineQueue options is false")
    expect(failures.unavailable('heartbeat', closed).rawMessage).toBe(
      'Redis at h:1: heartbeat failed: Command timed out',
    )
  })

  it.each([
    [
      "READONLY You can't write against a read only replica. script: 170d3e, on @user_script:67.",
      "READONLY You can't write against a read only replica: it must be the primary",
    ],
    [
      'Protocol error, got "H" as reply type byte. Please report this.',
      'Protocol error, got "H" as reply type byte: no Redis answers there',
    ],
  ])('says what to do about %s', (text, told) => {
    expect(new Failures('h:1', []).unavailable('heartbeat', new Error(text)).rawMessage).toMatch(
      `heartbeat failed: ${told}`,
    )
  })

  it('shortens what a server says', () => {
    expect(
      new Failures('h:1', []).unavailable('heartbeat', new Error('x'.repeat(9999))).rawMessage.length,
    ).toBeLessThan(400)
  })
})

it('names the refused password, not that one is wanted, for as long as nothing was answered', () => {
  const failures = new Failures('here', [])
  const noAuth = new Error('NOAUTH Authentication required.')
  expect(failures.unavailable('heartbeats', noAuth).rawMessage).toContain('NOAUTH')
  failures.connectionFailed(new Error('WRONGPASS invalid username-password pair'))
  failures.connectionFailed(noAuth)
  expect(failures.unavailable('heartbeats', noAuth).rawMessage).toBe(
    'Redis at here: heartbeats failed: WRONGPASS invalid username-password pair',
  )
  failures.connected()
  expect(failures.unavailable('heartbeats', noAuth).rawMessage).toContain('NOAUTH')
})
