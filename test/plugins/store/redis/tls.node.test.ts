import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { freePorts } from '../../../support/free-ports.ts'
import { startRedis } from '../../../support/redis.ts'
import { tempFolders } from '../../../support/temp-folders.ts'
import { stores } from './stores.ts'

describe('redisStore() over TLS', () => {
  const open = stores()
  const folder = tempFolders()

  it('trusts the certificates of its client, and for a URL those that everybody trusts', async () => {
    const at = folder()
    const [key, cert] = [join(at, 'key.pem'), join(at, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ]
    execFileSync('openssl', made, { stdio: 'ignore' })
    const [port = 0] = await freePorts(1)
    const tls = ['--tls-port', `${port}`, '--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']
    await using _redis = await startRedis({ args: tls })
    const ca = readFileSync(cert, 'utf8')
    const trusting = await open({ client: new Redis({ port, tls: { ca }, lazyConnect: true }) })
    await trusting.freeze(true)
    expect(await trusting.entries()).toMatchObject({ frozen: true })
    const strict = await open({ url: `rediss://127.0.0.1:${port}` })
    await expect(strict.entries()).rejects.toMatchObject({
      code: 'ownership-unavailable',
      rawMessage: expect.stringMatching(/entries failed: self.signed certificate/),
    })
  })
})
