/** AWS Signature Version 4 of a request without a body ("Authenticating Requests", S3 API reference), with the day's key kept. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** What a request is signed with. */
export interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** A GET. `path` and `query` as they are sent: encoded by `encoded()`, the query sorted by name and without its `?`. */
export interface Unsigned {
  /** The host, with a port that is not the scheme's own. */
  readonly host: string
  readonly path: string
  readonly query: string
  /** The value of the header `Range`, where there is one. */
  readonly range?: string | undefined
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
/** SHA-256 of no bytes. */
const NO_BODY = bytesToHex(sha256(new Uint8Array()))

/** Signs requests to one region. The key of a day is derived once, so that a request costs two hashes. */
export class Signer {
  readonly #region: string
  #credentials: SigningCredentials | undefined
  /** `20261130`, which `#key` is for. */
  #day = ''
  #key = hmac.create(sha256, new Uint8Array())
  /** A second in ms since the epoch, and how it is written in a signature. */
  #second = Number.NaN
  #time = ''

  constructor(region: string) {
    this.#region = region
  }

  /** The headers to send, `host` included. `now` is in ms since the epoch, by the store's clock. */
  sign(request: Unsigned, credentials: SigningCredentials, now: number): Record<string, string> {
    const time = this.#timeOf(now)
    const day = time.slice(0, 8)
    this.#keyFor(credentials, day)
    const headers: Record<string, string> = { host: request.host }
    if (request.range !== undefined) headers.range = request.range
    headers['x-amz-content-sha256'] = NO_BODY
    headers['x-amz-date'] = time
    if (credentials.sessionToken) headers['x-amz-security-token'] = credentials.sessionToken
    // They stand here in the order of their names, which the signature wants.
    let canonical = `GET\n${request.path}\n${request.query}\n`
    let names = ''
    for (const name in headers) {
      canonical += `${name}:${trimmed(headers[name] ?? '')}\n`
      names += names === '' ? name : `;${name}`
    }
    canonical += `\n${names}\n${NO_BODY}`
    const scope = `${day}/${this.#region}/s3/aws4_request`
    const text = `${ALGORITHM}\n${time}\n${scope}\n${bytesToHex(sha256(utf8ToBytes(canonical)))}`
    const signature = bytesToHex(this.#key.clone().update(utf8ToBytes(text)).digest())
    headers.authorization = `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    return headers
  }

  #timeOf(now: number): string {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#time = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    }
    return this.#time
  }

  #keyFor(credentials: SigningCredentials, day: string): void {
    const { accessKeyId, secretAccessKey } = credentials
    const known = this.#credentials
    const isSame = known?.accessKeyId === accessKeyId && known.secretAccessKey === secretAccessKey
    if (isSame && day === this.#day) return
    let key = utf8ToBytes(`AWS4${secretAccessKey}`)
    for (const part of [day, this.#region, 's3', 'aws4_request']) key = hmac(sha256, key, utf8ToBytes(part))
    this.#key = hmac.create(sha256, key)
    this.#day = day
    this.#credentials = credentials
  }
}

/** `text` as it stands in a path or a query: all but the unreserved characters of RFC 3986 are escaped. */
export function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** A key as it stands in a path. */
export function encodedKey(key: string): string {
  // Almost all keys have nothing to escape.
  return /^[A-Za-z0-9/._-]*$/.test(key) ? key : key.split('/').map(encoded).join('/')
}

function trimmed(value: string): string {
  return value.includes(' ') || value.includes('\t') ? value.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/g, '') : value
}
