import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BlockStage, parseListenAddress, skip } from 'blockgate'
import { serveGateway } from 'blockgate/runtime/node-server'
import { testId } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import { blocks, world } from '../support/world.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8')
const lines = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) => code.trimEnd().split('\n'))

const odd: BlockStage = { kind: 'block', name: 'odd-one', handle: async () => skip('too-odd') }

const manual = (confirmDrops: boolean) => JSON.stringify({ accepted: { reason: 'manual', confirmDrops } })

/** What each line must print; a line without one fails. */
const PRINTED: readonly (readonly [RegExp, string])[] = [
  [/jq -r/, `${testId(1)}\todd-one\ttoo-odd\n`],
  [/confirmDrops/, manual(true)],
  [/-X POST/, manual(false)],
]

it.each(lines)('docs/http.md: `%s` works as it is written', async line => {
  const made = await world({ list: blocks(1), stages: [odd] })
  await made.gateway.start()
  const config = { ...made.config, http: parseListenAddress('127.0.0.1:0') }
  const service = await serveGateway({ ...made, config })
  onTestFinished(() => service.stop())
  const [, port = ''] = /:(\d+)$/.exec(service.url ?? '') ?? []
  const command = `set -o pipefail; ${line.replace('localhost:10902', `localhost:${port}`)}`
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { env: { PATH: process.env.PATH } })
  expect(stdout).toBe(PRINTED.find(([pattern]) => pattern.test(line))?.[1])
})
