/** Debian's Prometheus, as the oracle and as a client. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'

export interface PrometheusServer {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/**
 * Starts one whose data is in `<folder>/data`.
 *
 * @param config more of its config, such as `remote_read:`
 * @param flags more of its command line
 */
export async function startPrometheus(
  folder: string,
  config = '',
  flags: readonly string[] = [],
): Promise<PrometheusServer> {
  mkdirSync(join(folder, 'data'), { recursive: true })
  const file = join(folder, 'prometheus.yml')
  writeFileSync(file, `global: {scrape_interval: 1h}\n${config}`)
  const [port = 0] = await freePorts(1)
  const process = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--storage.tsdb.retention.time=100y',
      '--storage.tsdb.min-block-duration=2h',
      // What is compacted already stays as it is.
      ...(flags.some(flag => flag.includes('max-block-duration')) ? [] : ['--storage.tsdb.max-block-duration=2h']),
      '--log.level=warn',
      ...flags,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  process.stderr?.on('data', part => {
    said += part
  })
  const url = `http://127.0.0.1:${port}`
  try {
    await answers(`${url}/-/ready`, process, () => said)
  } catch (error) {
    process.kill('SIGKILL')
    throw error
  }
  return {
    url,
    pid: process.pid ?? 0,
    async stop() {
      if (process.exitCode !== null || process.signalCode !== null) return
      const ended = new Promise(resolve => process.once('exit', resolve))
      process.kill('SIGKILL')
      await ended
    },
  }
}

async function answers(url: string, process: ChildProcess, said: () => string): Promise<void> {
  while (process.exitCode === null) {
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`Prometheus must start: it ended with ${process.exitCode}: ${said()}`)
}
