import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** The signal that ended the child. It writes a byte a step; it is killed when `steps` bytes have come. */
export function killedAfter(steps: number, sink: string, root: string): Promise<NodeJS.Signals | string> {
  const script = join(import.meta.dirname, '../plugins/sink/add-until-killed.ts')
  const child = spawn(process.execPath, ['--conditions=blockgate-source', '--no-warnings', script, sink, root])
  let bytes = 0
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes >= steps) child.kill('SIGKILL')
  })
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (_, signal) => resolve(signal ?? errors))
  })
}
