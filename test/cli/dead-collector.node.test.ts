import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { endedBy, projectWith, running } from './world.ts'

/** With a collector that takes every connection and never answers; all limits but those of the command are an hour. */
async function withDeadCollector(...args: string[]) {
  const server = createServer(socket => socket.on('error', () => {}).resume())
  onTestFinished(() => void server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const [OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_BSP_EXPORT_TIMEOUT] = ['3600000', '3600000']
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT,
    OTEL_BSP_EXPORT_TIMEOUT,
  }
  return running(args, { ...projectWith(), env })
}

it('sync ends although the collector never answers, and says what was lost', async () => {
  const { code, stderr } = await (await withDeadCollector('sync', '--json')).ended
  expect([code, stderr]).toEqual([0, expect.stringContaining('spans were lost')])
})

it('run ends at SIGTERM although the collector never answers', async () => {
  expect((await endedBy('SIGTERM', await withDeadCollector('run'), 'run done')).code).toBe(0)
})
