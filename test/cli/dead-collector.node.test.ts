import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { configText, project, start } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Takes every connection and never answers; all limits but those of the command are an hour. */
async function withDeadCollector(args: string[]) {
  const server = createServer(socket => socket.on('error', () => {}).resume())
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const made = project(folder())
  made.write('blockgate.config.ts', configText(''))
  const HOUR = '3600000'
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: HOUR,
    OTEL_BSP_EXPORT_TIMEOUT: HOUR,
  }
  return start(args, { cwd: made.folder, env })
}

it('sync ends although the collector never answers, and says what was lost', async () => {
  const { code, stderr } = await (await withDeadCollector(['sync', '--json'])).ended
  expect(code).toBe(0)
  expect(stderr).toContain('spans were lost')
})

it('run ends at SIGTERM although the collector never answers', async () => {
  const running = await withDeadCollector(['run'])
  await running.printed('run done')
  running.child.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
})
