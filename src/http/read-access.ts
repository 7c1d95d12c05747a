/** Who may read: everybody, unless the config has a token for it, or the server has users. */

import type { MiddlewareHandler } from 'hono'
import { auth } from 'hono/utils/basic-auth'
import { HttpError } from './errors.ts'
import { hasToken } from './write-access.ts'

/** Whether the password is that of the user. */
export type CheckPassword = (user: string, password: string) => Promise<boolean>

export interface ReadAccess {
  /** Bearer tokens; with any of them a request needs no user. */
  readonly tokens: readonly string[]
  /** Undefined: there are no users. */
  readonly password: CheckPassword | undefined
}

/** What orchestrators ask, who know no passwords. They tell no more than a reason. */
const PROBES: ReadonlySet<string> = new Set(['/-/healthy', '/-/ready'])

export function readAccess({ tokens, password }: ReadAccess): MiddlewareHandler {
  return async (c, next) => {
    if (!PROBES.has(c.req.path) && !(await isKnown(c.req.raw))) {
      const what = password ? 'a user and a password, or a bearer token' : 'a bearer token'
      throw new HttpError(401, 'unauthorized', `the request must have ${what}`, {
        'www-authenticate': `${password ? 'Basic' : 'Bearer'} realm="blockgate"`,
      })
    }
    await next()
  }

  async function isKnown(request: Request): Promise<boolean> {
    const authorization = request.headers.get('authorization') ?? ''
    for (const token of tokens) if (await hasToken(authorization, token)) return true
    const given = password && auth(request)
    return given !== undefined && (await password?.(given.username, given.password)) === true
  }
}
