/**
 * TLS and users of the HTTP server, in the file that Prometheus and its exporters take as `--web.config.file`:
 * https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { SecureVersion, TlsOptions } from 'node:tls'
import bcrypt from 'bcryptjs'
import * as v from 'valibot'
import { parse } from 'yaml'
import { BlockgateError, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import { HttpError } from '../../http/errors.ts'
import type { CheckPassword } from '../../http/read-access.ts'

export interface WebConfig {
  /** Undefined: plain HTTP. */
  readonly tls: WebTls | undefined
  /** Undefined: there are no users. */
  readonly password: CheckPassword | undefined
}

export interface WebTls {
  readonly options: TlsOptions
  /** The files that they were read from. */
  readonly files: readonly string[]
  /** A client whose certificate is not good is cut off where it sends one, or always. */
  readonly clients: 'any' | 'verified-if-given' | undefined
  /** Reads the files again. */
  again(): TlsOptions
}

const VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const
const version = v.optional(v.picklist(['TLS10', 'TLS11', 'TLS12', 'TLS13']))
const file = v.optional(v.pipe(v.string(), v.nonEmpty()))
/** bcrypt, as `htpasswd -B` makes it. */
const HASH = /^\$2[aby]\$(?:0[4-9]|1[0-9])\$[./A-Za-z0-9]{53}$/
const CLIENT_AUTH = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const

const FILE = v.strictObject({
  tls_server_config: v.optional(
    v.strictObject({
      cert_file: v.pipe(v.string(), v.nonEmpty()),
      key_file: v.pipe(v.string(), v.nonEmpty()),
      client_auth_type: v.optional(v.picklist(CLIENT_AUTH)),
      client_ca_file: file,
      min_version: version,
      max_version: version,
      prefer_server_cipher_suites: v.optional(v.boolean()),
    }),
  ),
  // HTTP/2 is not spoken: what it says about that is no matter.
  http_server_config: v.optional(v.strictObject({ http2: v.optional(v.boolean()) })),
  basic_auth_users: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[^:]+$/)), v.pipe(v.string(), v.regex(HASH, 'must be a bcrypt hash'))),
  ),
})

/**
 * Reads the file at `path`; relative paths in it count from its folder, as there.
 * @throws BlockgateError `invalid-config`, which names the key; no password, hash or key is in the message
 */
export function readWebConfig(path: string): WebConfig {
  const config = parsed(path)
  const tls = config.tls_server_config
  const users = config.basic_auth_users
  return {
    tls: tls && webTls(tls, dirname(resolve(path))),
    password: users && Object.keys(users).length > 0 ? checkPasswords(users) : undefined,
  }
}

function parsed(path: string): v.InferOutput<typeof FILE> {
  const invalid = (why: string) => new BlockgateError(ErrorCode.invalidConfig, `${path}: ${why}`)
  let value: unknown
  let text: string | undefined
  try {
    text = readFileSync(path, 'utf8')
    value = parse(text) ?? {}
  } catch (error) {
    // What YAML says of it quotes the line, which may have a hash in it.
    throw invalid(text === undefined ? rawMessageOf(error) : 'must be YAML')
  }
  const { success, issues, output } = v.safeParse(FILE, value, { abortPipeEarly: true })
  if (success) return output
  const problems = issues.map(issue => {
    const key = v.getDotPath(issue) ?? ''
    const hidden = key.startsWith('basic_auth_users')
    return `${key}: ${hidden ? 'must have names without a colon, and bcrypt hashes' : issue.message}`
  })
  throw invalid([...new Set(problems)].join('; '))
}

function webTls(config: NonNullable<v.InferOutput<typeof FILE>['tls_server_config']>, folder: string): WebTls {
  const at = (path: string) => resolve(folder, path)
  const { client_auth_type: auth = 'NoClientCert', client_ca_file: ca, min_version: min = 'TLS12' } = config
  const files = [config.cert_file, config.key_file, ...(ca === undefined ? [] : [ca])].map(at)
  if (/Verify/.test(auth) && ca === undefined) {
    throw new BlockgateError(ErrorCode.invalidConfig, `tls_server_config.client_ca_file: must be given for ${auth}`)
  }
  const again = (): TlsOptions => {
    try {
      const [cert, key, authorities] = files.map(path => readFileSync(path))
      return {
        cert,
        key,
        ...(authorities && { ca: authorities }),
        minVersion: VERSIONS[min] satisfies SecureVersion,
        ...(config.max_version && { maxVersion: VERSIONS[config.max_version] }),
        requestCert: auth !== 'NoClientCert',
        rejectUnauthorized: auth === 'RequireAndVerifyClientCert',
      }
    } catch (error) {
      throw new BlockgateError(ErrorCode.invalidConfig, `tls_server_config: ${rawMessageOf(error)}`, { cause: error })
    }
  }
  const clients =
    auth === 'RequireAnyClientCert' ? 'any' : auth === 'VerifyClientCertIfGiven' ? 'verified-if-given' : undefined
  return { options: again(), files, clients, again }
}

/** What is compared where there is no such user: it takes as long, so that names cannot be told apart. */
const NOBODY = '$2b$10$............................................................'.slice(0, 60)
/** Passwords that were right, by a hash of them: bcrypt takes a tenth of a second of CPU. */
const REMEMBERED = 100
/** Passwords that wait for their turn: one is compared at a time, so that nobody keeps a gateway from its heartbeats with wrong ones. */
const WAITING = 32

function checkPasswords(users: Readonly<Record<string, string>>): CheckPassword {
  const right = new Set<string>()
  let turn: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (user, password) => {
    const hash = Object.hasOwn(users, user) ? users[user] : undefined
    const key = await digest(`${user}\0${hash}\0${password}`)
    if (right.has(key)) return true
    if (waiting >= WAITING) {
      throw new HttpError(429, 'too-many-requests', 'too many passwords wait to be checked', { 'retry-after': '1' })
    }
    waiting++
    const compared = turn.then(() => bcrypt.compare(password, hash ?? NOBODY)).finally(() => waiting--)
    turn = compared.catch(() => {})
    const isRight = await compared
    if (!isRight || hash === undefined) return false
    if (right.size >= REMEMBERED) right.clear()
    right.add(key)
    return true
  }
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(bytes).toString('base64')
}
