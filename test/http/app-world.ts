/** A world with its HTTP app, and requests that say what a browser, a person or a program would. */
import { createApp, pages } from 'blockgate/http'
import { type World, type WorldOptions, world } from '../support/world.ts'
import { type Asking, asking } from './described.ts'

export interface AppWorld extends World, Asking {
  readonly app: ReturnType<typeof createApp>
  post(path: string, init?: { body?: string; headers?: Record<string, string>; peer?: string }): Promise<Response>
}

export async function appWorld(options: WorldOptions = {}): Promise<AppWorld> {
  const made = await world(options)
  const { gateway, config, host } = made
  const metrics = { text: async () => 'up 1\n' }
  const app = createApp({ gateway, config, host, version: '1.2.3', pages, metrics, peerOf: c => c.env?.peer })
  return {
    ...made,
    app,
    ...asking(path => app.request(path)),
    async post(path, { body, headers = {}, peer = '127.0.0.1' } = {}) {
      const init = { method: 'POST', headers, ...(body !== undefined && { body }) }
      return await app.request(`http://localhost:10902${path}`, init, { peer })
    },
  }
}
