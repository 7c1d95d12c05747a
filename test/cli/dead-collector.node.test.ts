import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { endedBy, projectWith, running } from './world.ts'

type Kind = 'silent' | 'away' | 'refusing'

/** Takes requests and never answers them; is not there; or answers 503. */
async function deadCollector(kind: Kind): Promise<string> {
  const server: Server = createServer((_, response) => kind === 'refusing' && response.writeHead(503).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  if (kind === 'away') await new Promise(resolve => server.close(resolve))
  else {
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
  }
  return `http://127.0.0.1:${port}`
}

/** All limits but those of the command are an hour. */
async function withDeadCollector(kind: Kind, args: string[], more: Record<string, string> = {}) {
  const [OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_BSP_EXPORT_TIMEOUT] = ['3600000', '3600000']
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: await deadCollector(kind),
    OTEL_EXPORTER_OTLP_TIMEOUT,
    OTEL_BSP_EXPORT_TIMEOUT,
    ...more,
  }
  return running(args, { ...projectWith(), env })
}

it.each<Kind>(['silent', 'away', 'refusing'])(
  'sync ends with a collector that is %s, and says what was lost',
  async kind => {
    const { code, stderr } = await (await withDeadCollector(kind, ['sync', '--json'])).ended
    expect([code, stderr]).toEqual([0, expect.stringContaining('spans were lost')])
  },
)

it('run ends at SIGTERM although the collector never answers', async () => {
  expect((await endedBy('SIGTERM', await withDeadCollector('silent', ['run']), 'run done')).code).toBe(0)
})

it('what the queue of run has no room for is in its metrics', async () => {
  const gateway = await withDeadCollector('silent', ['run'], { OTEL_BSP_MAX_QUEUE_SIZE: '1' })
  await gateway.printed('run done')
  const url = /"url":"([^"]+)"/.exec(gateway.stderr)?.[1] ?? ''
  const text = await (await fetch(`${url}/metrics`)).text()
  expect(text).toMatch(/^blockgate_trace_spans_lost_total\{reason="queue-full"\} [1-9]\d*$/m)
})
