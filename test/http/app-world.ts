/** A world with its HTTP app, and requests that say what a browser, a person or a program would. */
import { createApp } from 'blockgate/http'
import { type World, type WorldOptions, world } from '../support/world.ts'
import type { Schema } from './json-schema.ts'

export interface AppWorld extends World {
  readonly app: ReturnType<typeof createApp>
  /** GET, as parsed JSON. */
  json<T>(path: string): Promise<{ readonly status: number; readonly body: T }>
  post(path: string, init?: { body?: string; headers?: Record<string, string>; peer?: string }): Promise<Response>
}

interface Operation {
  readonly responses: Readonly<
    Record<number, { readonly content: Readonly<Record<string, { schema: Schema } | undefined>> }>
  >
}

/** What the tests read of /api/v1/openapi.json. */
export interface Description extends Schema {
  readonly openapi: string
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>
}

export async function appWorld(options: WorldOptions = {}): Promise<AppWorld> {
  const made = await world(options)
  const { gateway, config, host } = made
  const app = createApp({
    gateway,
    config,
    host,
    version: '1.2.3',
    metrics: { text: async () => 'up 1\n' },
    peerOf: c => c.env?.peer,
  })
  return {
    ...made,
    app,
    async json<T>(path: string) {
      const response = await app.request(path)
      return { status: response.status, body: (await response.json()) as T }
    },
    async post(path, { body, headers = {}, peer = '127.0.0.1' } = {}) {
      const init = { method: 'POST', headers, ...(body !== undefined && { body }) }
      return await app.request(`http://localhost:10902${path}`, init, { peer })
    },
  }
}
