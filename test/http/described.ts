/** Answers that must be as /api/v1/openapi.json describes them. */
import { openApi } from 'blockgate/http'
import { expect } from 'vitest'
import { misfits, type Schema } from './json-schema.ts'

export interface Asking {
  /** GET, as parsed JSON, which must be as it is described. */
  json<T>(path: string): Promise<{ readonly status: number; readonly body: T }>
  /** GET, as text. */
  text(path: string): Promise<string>
}

export function asking(ask: (path: string) => Response | Promise<Response>): Asking {
  return {
    async json<T>(path: string) {
      const response = await ask(path)
      const body = (await response.json()) as T
      fits(path, 'get', response.status, body)
      return { status: response.status, body }
    },
    text: async path => (await ask(path)).text(),
  }
}

interface Operation {
  readonly responses: Readonly<Record<number, { readonly content: Readonly<Record<string, { schema: Schema }>> }>>
}
type Paths = Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>

export const DESCRIPTION = openApi('1.2.3')
export const PATHS = DESCRIPTION.paths as Paths

/** An answer must be one that is described; of an error of the app itself nothing is. */
export function fits(path: string, method: 'get' | 'post', status: number, body: unknown): void {
  const route = path.replace(/\?.*/, '').replace(/(\/blocks\/).+/, '$1{ulid}')
  const described = PATHS[route]?.[method]?.responses[status]
  if (!PATHS[route] || status === 500) return
  expect([path, status, described]).toEqual([path, status, expect.anything()])
  const schema = described?.content['application/json']?.schema
  expect(misfits(body, schema ?? {}, DESCRIPTION)).toEqual([])
}
