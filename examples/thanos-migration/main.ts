// Reads the command line in thanos-store.sh, prints the config that it becomes, and makes one run with it in a temp folder. With a
// script of your own as its argument, it prints its config.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gateway, resolveConfig } from 'blockgate'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { summaryText } from 'blockgate/runtime/terminal'
import input from './blockgate.config.ts'
import { migrate } from './migrate.ts'

const { argv, env, stdout: output } = process
const [, , script = join(import.meta.dirname, 'thanos-store.sh')] = argv
const made = migrate(readFileSync(script, 'utf8'))
output.write(made)
if (argv[2] === undefined) await run()

async function run(): Promise<void> {
  const config = readFileSync(join(import.meta.dirname, 'blockgate.config.ts'), 'utf8')
  if (made !== config) throw new Error('blockgate.config.ts must be what thanos-store.sh becomes')
  const dir = mkdtempSync(join(tmpdir(), 'blockgate-'))
  try {
    const BUCKET = join(import.meta.dirname, '../quickstart/bucket')
    const resolved = await resolveConfig(input, { env: { ...env, BUCKET } })
    const log = nodeLog()
    const host = nodeHost({ log: { ...log, info() {}, warn() {} } })
    const blockgate = gateway(resolved, { host, files: localFiles(dir), state: fileState(dir, log) })
    const result = await blockgate.sync()
    output.write(`\n${summaryText(result, { output, env })}`)
    await blockgate.stop()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
