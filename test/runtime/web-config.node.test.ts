/** TLS and users of the HTTP server, by the file that Prometheus takes as --web.config.file. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { get, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import bcrypt from 'bcryptjs'
import { parseListenAddress } from 'blockgate'
import { serveGateway } from 'blockgate/runtime/node-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readWebConfig } from '../../src/runtime/server/web-config.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { blocks, world } from '../support/world.ts'

const folder = tempFolders()
const PASSWORD = 'correct-horse'
const HASH = bcrypt.hashSync(PASSWORD, 4)

/** A folder with an authority, a server and a client that it has signed, and `web.yml`. */
function files(web: string): { readonly dir: string; readonly path: string } {
  const dir = folder()
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority')
  for (const name of ['server', 'client']) {
    openssl('req', ...key.slice(0, -2), '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    writeFileSync(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost')
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2']
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed)
  }
  const path = join(dir, 'web.yml')
  writeFileSync(path, web)
  return { dir, path }
}

async function served(path: string): Promise<string> {
  const made = await world({ list: blocks(1) })
  const config = { ...made.config, http: parseListenAddress('127.0.0.1:0') }
  const service = await serveGateway({ ...made, config, web: readWebConfig(path) })
  onTestFinished(() => service.stop())
  return service.url ?? ''
}

/** The status, or the code of what broke the connection. */
function asked(url: string, options: RequestOptions): Promise<number | string | undefined> {
  return new Promise(resolve => {
    get(url, { agent: false, ...options }, response => resolve(response.resume().statusCode)).on('error', error =>
      resolve((error as NodeJS.ErrnoException).code ?? error.message),
    )
  })
}

const TLS = 'tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n'

describe('a web configuration file', () => {
  it('has users: nothing is told without one but the probes, and a right password is right', async () => {
    const path = join(folder(), 'web.yml')
    writeFileSync(path, `basic_auth_users:\n  alice: ${HASH}\n  constructor: ${HASH}\n`)
    const url = await served(path)
    const status = async (path: string, given?: string) => {
      const headers = given === undefined ? {} : { authorization: `Basic ${btoa(given)}` }
      const response = await fetch(`${url}${path}`, { headers })
      return [response.status, response.headers.get('www-authenticate')]
    }
    const no = [401, 'Basic realm="blockgate"']
    for (const given of [undefined, 'alice:wrong', 'alice:', `bob:${PASSWORD}`, `toString:${PASSWORD}`, 'alice']) {
      expect([given, await status('/api/v1/blocks', given)]).toEqual([given, no])
    }
    // The second time it is remembered; what is wrong is not.
    for (let i = 0; i < 2; i++) {
      expect(await status('/api/v1/blocks', `alice:${PASSWORD}`)).toEqual([200, null])
      expect(await status('/api/v1/blocks', `alice:${PASSWORD}x`)).toEqual(no)
    }
    // Of many guesses at once few are compared, and those who are known need no turn.
    const { password } = readWebConfig(path)
    expect(await password?.('alice', PASSWORD)).toBe(true)
    const guesses = Array.from({ length: 80 }, (_, n) => password?.('alice', `${n}`))
    const told = Promise.allSettled(guesses)
    expect(await password?.('alice', PASSWORD)).toBe(true)
    const refused = (await told).flatMap(guess => (guess.status === 'rejected' ? [guess.reason.status] : []))
    expect([refused.length > 0, new Set(refused)]).toEqual([true, new Set([429])])
    expect(await status('/api/v1/labels')).toEqual(no)
    expect((await status('/-/healthy'))[0]).toBe(200)
  })

  it('has certificates, and asks clients for theirs as it says', async () => {
    const { dir, path } = files(TLS)
    const of = (name: string) => readFileSync(join(dir, name))
    const trusted = { ca: of('ca.crt') }
    const client = { ...trusted, cert: of('client.crt'), key: of('client.key') }
    const own = files(TLS).dir
    const stranger = {
      ...trusted,
      cert: readFileSync(join(own, 'client.crt')),
      key: readFileSync(join(own, 'client.key')),
    }
    const plain = await served(path)
    expect(plain).toMatch(/^https:/)
    expect(await asked(`${plain}/-/healthy`, trusted)).toBe(200)
    expect(await asked(`${plain}/-/healthy`, { ...trusted, maxVersion: 'TLSv1.1' })).not.toBe(200)
    const answers = async (type: string) => {
      writeFileSync(path, `${TLS}  client_auth_type: ${type}\n  client_ca_file: ca.crt\n`)
      const url = `${await served(path)}/-/healthy`
      const all = await Promise.all([trusted, client, stranger].map(options => asked(url, options)))
      return all.map(answer => answer === 200)
    }
    expect(await answers('RequestClientCert')).toEqual([true, true, true])
    expect(await answers('RequireAnyClientCert')).toEqual([false, true, true])
    expect(await answers('VerifyClientCertIfGiven')).toEqual([true, true, false])
    expect(await answers('RequireAndVerifyClientCert')).toEqual([false, true, false])
  })

  it.each([
    ['basic_auth_users: { alice: secret-word }', /basic_auth_users\.alice: must have .* bcrypt hashes$/],
    ['basic_auth: {}', /basic_auth: /],
    [`${TLS}  client_auth_type: Sometimes`, /tls_server_config\.client_auth_type: /],
    [`${TLS}  client_auth_type: RequireAndVerifyClientCert`, /client_ca_file: must be given/],
    [`${TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256]`, /tls_server_config\.cipher_suites: /],
    ['tls_server_config: { cert_file: a.crt, key_file: a.key }', /tls_server_config: ENOENT/],
    ['- a', /^invalid-config: \S+web\.yml: /],
    ['a: [', /must be YAML$/],
  ])('%s is an error that names the key, and shows no secret', (text, message) => {
    const path = join(folder(), 'web.yml')
    writeFileSync(path, text)
    const read = () => readWebConfig(path)
    expect(read).toThrow(message)
    expect(read).not.toThrow('secret-word')
    expect(() => readWebConfig(join(path, 'none'))).toThrow(/: ENOTDIR/)
  })
})
