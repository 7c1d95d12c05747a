/** Asks a gateway, or whatever else answers Prometheus' remote read. */
import { rawMessageOf } from '../../contracts/errors.ts'
import { limitedBytes } from '../../http/requests.ts'
import type { Selection, Series } from '../../query/querier.ts'
import { snappy } from '../../runtime/snappy.ts'
import { CliError, ExitCode, usageError } from '../exit.ts'
import { encodeReadRequest, readFrames } from './frames.ts'

const PATH = '/api/v1/read'
const MAX_ERROR_BYTES = 4096
const STREAMED = 'application/x-streamed-protobuf'

export interface Listeners {
  /** Told how many bytes came. */
  onRead(bytes: number): void
  /** Told why the answer may be short. */
  onWarning(text: string): void
}

/**
 * The series of a selection, as they come.
 *
 * @throws CliError with exit code 3 where nothing answers, or what answers refuses or breaks off
 */
export async function* askUrl(
  given: string,
  selection: Selection,
  { onRead, onWarning }: Listeners,
): AsyncGenerator<Series, void, undefined> {
  const { url, authorization } = addressOf(given)
  const headers = {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-read-version': '0.1.0',
    ...(authorization !== undefined && { authorization }),
  }
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers,
      body: encodeReadRequest(selection, snappy),
      redirect: 'error',
    })
  } catch (error) {
    // The message of fetch itself is always `fetch failed`.
    throw failed(
      `nothing answers at ${url}: ${rawMessageOf(error instanceof Error ? (error.cause ?? error) : error)}`,
      error,
    )
  }
  const { body } = response
  if (!response.ok || !body) throw failed(`${url} answers with ${response.status}${await reasonOf(response)}`)
  if (!response.headers.get('content-type')?.startsWith(STREAMED)) {
    await body.cancel()
    throw failed(`${url} must answer with chunks (STREAMED_XOR_CHUNKS): it has ${response.headers.get('content-type')}`)
  }
  const warnings = response.headers.get('x-blockgate-warnings')
  if (warnings !== null) onWarning(warnings)
  try {
    yield* readFrames(counted(body, onRead))
  } catch (error) {
    throw failed(`the answer of ${url} cannot be read: ${rawMessageOf(error)}`, error)
  }
}

/** @throws CliError with exit code 2 */
function addressOf(given: string): { readonly url: string; readonly authorization: string | undefined } {
  const url = URL.parse(given)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw usageError(`--url must be one such as http://localhost:10902: current value is ${JSON.stringify(given)}`)
  }
  const { username, password } = url
  // fetch() refuses a URL with them.
  url.username = ''
  url.password = ''
  if (!url.pathname.endsWith(PATH)) url.pathname = url.pathname.replace(/\/$/, '') + PATH
  const named = `${decoded(username)}:${decoded(password)}`
  const authorization = named === ':' ? undefined : `Basic ${Buffer.from(named).toString('base64')}`
  return { url: url.href, authorization }
}

/** Of a user name or a password. @throws CliError with exit code 2 */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw usageError('--url: a % in its user name or password must be written as %25')
  }
}

async function* counted(body: ReadableStream<Uint8Array>, onRead: (bytes: number) => void) {
  for await (const part of body) {
    onRead(part.length)
    yield part
  }
}

/** `: incomplete: 2 blocks …` of a gateway; of anything else the first line of what it says. */
async function reasonOf({ body }: Response): Promise<string> {
  const bytes = await limitedBytes(body, MAX_ERROR_BYTES).catch(() => undefined)
  const text = new TextDecoder().decode(bytes ?? new Uint8Array()).trim()
  try {
    const { code, message } = JSON.parse(text).error
    return `: ${code}: ${message}`
  } catch {
    return text === '' ? '' : `: ${text.split('\n', 1)[0]}`
  }
}

function failed(message: string, cause?: unknown): CliError {
  return new CliError(ExitCode.failed, message, { cause })
}
