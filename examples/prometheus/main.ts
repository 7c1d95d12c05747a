// `npm start`, and a Prometheus that reads the series of the quickstart from it: prints its answer, and where its graph is.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const QUERY = 'sum by (cluster) (rate(http_requests_total[10m]))'
const [START, END, STEP_S] = ['2026-10-01T02:00:00Z', '2026-10-01T14:00:00Z', 300]

const folder = mkdtempSync(join(tmpdir(), 'blockgate-prometheus-'))
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
const told = new Promise<void>(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
})

const remote = await startGateway()
const prometheus = await startPrometheus(remote)
console.log(`${QUERY}, from 02:00 to 14:00, says a Prometheus that reads from ${remote}:`)
for (const { cluster, values } of await ask(prometheus)) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  console.log(`  ${cluster}: ${values.length} points, ${mean.toFixed(3)} requests a second on average`)
}
const graph = `g0.expr=${encodeURIComponent(QUERY)}&g0.tab=0&g0.end_input=2026-10-01%2014:00&g0.range_input=12h`
console.log(`\nopen ${prometheus}/graph?${graph}\nCtrl-C ends it`)
await Promise.race([told, ...[...children].map(ended)])
await Promise.all([...children].map(stopped))

/** `npm start` on a free port. @returns the URL of its data, as it prints it */
async function startGateway(): Promise<string> {
  const main = new URL('../quickstart/main.ts', import.meta.url).pathname
  const env = { ...process.env, HTTP: '127.0.0.1:0' }
  const child = start(process.execPath, ['--conditions=blockgate-source', main], env)
  return await new Promise((resolve, reject) => {
    let printed = ''
    child.stdout?.setEncoding('utf8').on('data', text => {
      printed += text
      const [, url] = /^ *graph +(\S+)/m.exec(printed) ?? []
      if (url && printed.includes('Ctrl-C')) resolve(url)
    })
    child.on('exit', code => reject(new Error(`npm start ended with code ${code}: it printed\n${printed}`)))
  })
}

/** A Prometheus with ./prometheus.yml, but for the URL of the gateway. @returns its URL */
async function startPrometheus(remote: string): Promise<string> {
  const config = readFileSync(new URL('prometheus.yml', import.meta.url), 'utf8')
  const file = join(folder, 'prometheus.yml')
  writeFileSync(file, config.replace(/(?<=url: ).*/, remote))
  const address = `127.0.0.1:${await freePort()}`
  const child = start('prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ])
  for (;;) {
    const isReady = await fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false, // not listening yet
    )
    if (isReady) return `http://${address}`
    if (child.exitCode !== null) throw new Error(`prometheus ended with code ${child.exitCode}`)
    await sleep(50)
  }
}

async function ask(prometheus: string) {
  const query = new URLSearchParams({ query: QUERY, start: START, end: END, step: `${STEP_S}` })
  const response = await fetch(`${prometheus}/api/v1/query_range?${query}`)
  const { status, error, data } = await response.json()
  if (status !== 'success') throw new Error(`Prometheus answered ${response.status}: ${error}`)
  const series = data.result as { metric: Record<string, string>; values: [number, string][] }[]
  return series.map(({ metric, values }) => ({ cluster: metric.cluster, values: values.map(([, value]) => +value) }))
}

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  child.on('exit', () => children.delete(child))
  child.on('error', () => {
    console.error(`${command} must be installed: apt-get install prometheus`)
    process.exit(1)
  })
  return child
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => child.on('exit', () => resolve()))
}

async function stopped(child: ChildProcess): Promise<void> {
  const end = ended(child)
  child.kill('SIGTERM')
  await end
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
