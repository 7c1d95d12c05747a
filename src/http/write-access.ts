/** Who may change something: whoever has the token; without a token, a person or a program on this machine. */
import type { Context, MiddlewareHandler } from 'hono'
import { timingSafeEqual } from 'hono/utils/buffer'
import { HttpError } from './errors.ts'

export interface WriteAccess {
  readonly token: string | undefined
  /** The address of who sent the request, from the socket; undefined where it cannot be known. */
  readonly peerOf: ((c: Context) => string | undefined) | undefined
}

export function writeAccess({ token, peerOf }: WriteAccess): MiddlewareHandler {
  return async (c, next) => {
    if (token === undefined) {
      const problem = problemOf(c, peerOf?.(c))
      if (problem !== undefined) throw new HttpError(403, 'forbidden', problem)
    } else if (!(await hasToken(c.req.header('authorization') ?? '', token))) {
      throw new HttpError(401, 'unauthorized', 'the request must have the bearer token of the config', {
        'www-authenticate': 'Bearer realm="blockgate"',
      })
    }
    await next()
  }
}

/** Whether the header `authorization` is that bearer token. */
export async function hasToken(authorization: string, token: string): Promise<boolean> {
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  return given !== undefined && (await timingSafeEqual(given, token))
}

/** Headers that a proxy adds. Behind a proxy every request comes from this machine; what these headers say is not believed. */
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

/**
 * Why a request without a token is refused, or undefined. That it comes from this machine is not enough: a browser on it
 * sends what any web page makes it send (`Origin`, `Sec-Fetch-Site`), also to a name of the page's own that it was told to
 * find at 127.0.0.1 (`Host`).
 */
function problemOf(c: Context, peer: string | undefined): string | undefined {
  const must = (what: string) => `without a token in the config, a request that changes something must ${what}`
  if (peer === undefined || !isLoopbackAddress(peer)) return must('come from the machine of the gateway')
  const proxy = PROXY_HEADERS.find(name => c.req.header(name) !== undefined)
  if (proxy !== undefined) return must(`not come over a proxy: it has the header ${proxy}`)
  const host = c.req.header('host') ?? new URL(c.req.url).host
  if (!isLoopbackName(host)) return must('name localhost or a loopback address as its host')
  const origin = c.req.header('origin')
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
    return must('not come from a page of another origin')
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return must('not come from a page of another site')
  return undefined
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address)
}

/** With or without a port. */
function isLoopbackName(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host)
}
