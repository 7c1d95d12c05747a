import { connect } from 'node:net'
import { parseListenAddress, type ResolvedConfig } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { type Service, serveGateway } from 'blockgate/runtime/node-server'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../../src/runtime/server/listen.ts'
import { blocks, scriptedSink, type WorldOptions, world } from '../support/world.ts'

const running: Service[] = []
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop()
})

async function served(options: WorldOptions & { http?: string | false; orFreePort?: boolean } = {}) {
  const { http = '127.0.0.1:0', orFreePort } = options
  const meters = setupMetrics()
  const made = await world({ ...options, metrics: meters.metrics })
  const config: ResolvedConfig = { ...made.config, http: http === false ? undefined : parseListenAddress(http) }
  const service = await serveGateway({ ...made, config, metrics: meters, orFreePort })
  running.push(service)
  return { ...made, service, url: service.url ?? '' }
}

const portOf = (url: string) => Number(new URL(url).port)

// What it answers is tested over a socket in test/http.
describe('serveGateway', () => {
  it('answers before the first run, and is ready after it', async () => {
    const { url, gateway } = await served({ list: blocks(1) })
    expect((await fetch(`${url}/-/healthy`)).status).toBe(200)
    expect((await fetch(`${url}/-/ready`)).status).toBe(503)
    await gateway.start()
    expect((await fetch(`${url}/-/ready`)).status).toBe(200)
    const { blocks: told } = (await (await fetch(`${url}/api/v1/blocks`)).json()) as { blocks: { state: string }[] }
    expect(told.map(b => b.state)).toEqual(['serving'])
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('blockgate_blocks_loaded 1\n')
  })

  it('keeps an idle connection for longer than a Prometheus does, which could send into one that was just closed', async () => {
    const { url } = await served()
    expect((await fetch(`${url}/-/healthy`)).headers.get('keep-alive')).toBe('timeout=360')
  })

  it('says that something listens there already, and what to do', async () => {
    const { url } = await served()
    await expect(served({ http: `127.0.0.1:${portOf(url)}` })).rejects.toThrow(
      `address-in-use: the HTTP server cannot listen at 127.0.0.1:${portOf(url)}: something listens there already; choose another address with \`http\` in the config, or false for none`,
    )
    await expect(served({ http: '203.0.113.9:80' })).rejects.toThrow('start-failed: the HTTP server cannot listen')
  })

  it('takes another port where that is allowed', async () => {
    const first = await served()
    const second = await served({ http: `127.0.0.1:${portOf(first.url)}`, orFreePort: true })
    expect(portOf(second.url)).not.toBe(portOf(first.url))
    expect((await fetch(`${second.url}/-/healthy`)).status).toBe(200)
    await expect(served({ http: '203.0.113.9:80', orFreePort: true })).rejects.toThrow('start-failed')
  })

  it('serves nothing where http is false', async () => {
    const { service, gateway } = await served({ http: false, list: blocks(1) })
    expect(service.url).toBeUndefined()
    await gateway.start()
    await service.stop()
    expect(gateway.readiness.stopping).toBe(true)
  })

  it('stops the gateway first, answers that it is not ready while adds finish, then closes', async () => {
    const sink = scriptedSink()
    const open = sink.gate(1)
    const { url, service, gateway, host } = await served({ list: blocks(1), sink })
    const first = gateway.start()
    await host.advance(0)
    const stopped = service.stop()
    const ready = await fetch(`${url}/-/ready`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { error: { code: 'not-ready', message: 'the gateway is stopping' } },
    ])
    open()
    expect((await first).summary.blocks.added).toBe(1)
    await stopped
    await expect(fetch(`${url}/-/healthy`)).rejects.toThrow()
  })

  it('closes also where the stop of the gateway fails, and throws what that threw', async () => {
    const made = await world()
    const stop = async () => {
      throw new Error('stuck')
    }
    const config: ResolvedConfig = { ...made.config, http: parseListenAddress('127.0.0.1:0') }
    const service = await serveGateway({
      ...made,
      config,
      gateway: Object.create(made.gateway, { stop: { value: stop } }),
    })
    await expect(service.stop()).rejects.toThrow('stuck')
    await expect(fetch(`${service.url}/-/healthy`)).rejects.toThrow()
  })

  it('closes although somebody keeps a connection open', async () => {
    const { url, service } = await served()
    const socket = connect(portOf(url), '127.0.0.1')
    const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
    await new Promise<void>(resolve => {
      socket.once('data', () => resolve())
      socket.write('GET /-/healthy HTTP/1.1\r\nhost: localhost\r\n\r\n')
    })
    await service.stop()
    await closed
  })

  it('cuts an answer off that does not come within the grace', async () => {
    const asked = Promise.withResolvers<void>()
    const app = new Hono().get('/', () => {
      asked.resolve()
      return new Promise<Response>(() => {})
    })
    const server = await listen(app, { host: '127.0.0.1', port: 0 })
    const answer = expect(fetch(server.url)).rejects.toThrow('fetch failed')
    await asked.promise
    await server.close(0)
    await answer
  })
})
