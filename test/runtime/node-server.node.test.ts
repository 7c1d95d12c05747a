import { request as send } from 'node:http'
import { connect } from 'node:net'
import { parseListenAddress, type ResolvedConfig } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { type Service, serveGateway } from 'blockgate/runtime/node-server'
import { afterEach, describe, expect, it } from 'vitest'
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

/** With headers that fetch() does not let one set. */
function post(url: string, headers: Record<string, string> = {}, body = ''): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = send(`${url}/api/v1/sync`, { method: 'POST', headers, agent: false }, response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    request.on('error', reject)
    request.end(body)
  })
}

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

  it('allows a change from this machine, and from no page of a browser on it', async () => {
    const { url, host, results } = await served()
    const { port } = new URL(url)
    expect(await post(url)).toBe(202)
    await host.advance(0)
    expect(results).toHaveLength(1)
    expect(await post(url, { origin: 'https://evil.example' })).toBe(403)
    expect(await post(url, { host: `evil.example:${port}` })).toBe(403)
    expect(await post(url, { 'x-forwarded-for': '203.0.113.9' })).toBe(403)
    await host.advance(0)
    expect(results).toHaveLength(1)
  })

  it('with a token refuses this machine, too, unless it has the token', async () => {
    const { url } = await served({ token: 'correct-horse-battery' })
    expect(await post(url)).toBe(401)
    expect(await post(url, { authorization: 'Bearer correct-horse-battery' })).toBe(202)
  })

  it('cuts a long body off, also one that does not tell its length', async () => {
    const { url } = await served()
    const headers = { 'content-type': 'application/json' }
    expect(await post(url, headers, `"${'x'.repeat(5_000)}"`)).toBe(413)
    expect(await post(url, { ...headers, 'transfer-encoding': 'chunked' }, `"${'x'.repeat(5_000)}"`)).toBe(413)
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

  it('survives what is no HTTP', async () => {
    const { url } = await served()
    const socket = connect(portOf(url), '127.0.0.1')
    const answer = new Promise<string>(resolve => socket.once('data', data => resolve(String(data))))
    socket.write('\0\u0001 nonsense\r\n\r\n')
    expect(await answer).toMatch(/^HTTP\/1.1 400 /)
    socket.destroy()
    expect((await fetch(`${url}/-/healthy`)).status).toBe(200)
  })
})
