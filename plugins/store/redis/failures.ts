/** What ioredis and Redis say when something fails, as errors of ours, without what must stay secret. */
import { OwnershipUnavailable } from 'blockgate'

const HIDDEN = '(hidden)'

/** A server's text is untrusted, and a message is one line. */
const MAX_TEXT = 300

/**
 * What is said where there is no connection, or one whose password was refused; the reason is in an error that was told before.
 */
export const DISCONNECTED: RegExp =
  /^(NOAUTH|Connection is closed|Stream isn't writeable|Reached the max retries|Command aborted|Socket timeout)/

/** Takes the secrets of one store out of texts. */
export class Failures {
  readonly #secrets: readonly string[]
  /** Where Redis is, for people: `127.0.0.1:6379`. */
  readonly #place: string
  /** What the connection failed with last. */
  #connection: string | undefined
  /** Its code: `ECONNREFUSED`. */
  #code: string | undefined
  /** What a command failed with last. */
  #command: string | undefined

  constructor(place: string, secrets: readonly string[]) {
    this.#place = place
    this.#secrets = secrets
      .filter(secret => secret !== '')
      .flatMap(secret => [secret, encodeURIComponent(secret)])
      // A secret that holds another one goes first.
      .sort((a, b) => b.length - a.length)
  }

  /** An error that ioredis tells of the connection itself: kept for the messages of the commands that fail for it. */
  connectionFailed(error: unknown): void {
    const text = this.#textOf(error)
    if (DISCONNECTED.test(text)) return
    this.#connection = text
    this.#code = codeIn(error)
  }

  /** A command was answered: what was wrong before is over. */
  connected(): void {
    this.#connection = undefined
    this.#code = undefined
    this.#command = undefined
  }

  /** @param doing what was asked of Redis: `serve` */
  unavailable(doing: string, error: unknown): OwnershipUnavailable {
    const text = this.#textOf(error)
    // ioredis hangs up on a replica, and we do on a Redis that gives no answer: what comes next only says so.
    const isCause = !DISCONNECTED.test(text)
    if (isCause) this.#command = text
    const bare = text.startsWith('NOAUTH') ? text : 'there is no connection'
    const why = isCause ? text : (this.#connection ?? this.#command ?? bare)
    return new OwnershipUnavailable(`Redis at ${this.#place}: ${doing} failed: ${why}`, {
      cause: this.#bare(error),
      at: 'redis',
    })
  }

  /**
   * The error without what may hold secrets: ioredis puts the command with its arguments on what Redis refuses, and for AUTH
   * these are the user and the password.
   */
  #bare(error: unknown): Error {
    const bare = new Error(this.#textOf(error))
    bare.name = error instanceof Error ? error.name : 'Error'
    bare.stack = `${bare.name}: ${bare.message}`
    const code = codeIn(error) ?? (DISCONNECTED.test(bare.message) ? this.#code : undefined)
    return code === undefined ? bare : Object.assign(bare, { code })
  }

  #textOf(error: unknown): string {
    const { message, code } = error as { readonly message?: unknown; readonly code?: unknown }
    // An address that resolves to several fails with an AggregateError, which has a code and no message.
    const text = typeof message === 'string' && message !== '' ? message : String(code ?? error)
    const bare = this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
    const told = bare
      .replace(/^(READONLY .*?)\.? script: .*/s, '$1: it must be the primary')
      .replace(/^(Protocol error, .*?)\. Please report this\.$/s, '$1: no Redis answers there')
    const short = told.replace(/:\/\/\S*@/g, `://${HIDDEN}@`).slice(0, MAX_TEXT)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    return short.replace(/[\u0000-\u001f\u007f]+/g, ' ')
  }
}

function codeIn(error: unknown): string | undefined {
  const { code } = Object(error)
  return typeof code === 'string' ? code : undefined
}
