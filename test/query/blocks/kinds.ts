/** Blocks that come about in other ways than by a compaction alone. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openMetrics } from '../../support/openmetrics.ts'
import { type PrometheusServer, startPrometheus } from '../../support/prometheus.ts'
import { START, STEP } from './series.ts'
import { addWritten, takeBlocks, WRITTEN } from './written.ts'

const HOUR = 3_600_000

/**
 * The blocks of `addWritten`, of which a Prometheus was told to delete some: whole series, parts of chunks, parts that touch, what
 * goes on from one block to the next; of floats and of histograms.
 */
export async function addTombstoned(root: string, bucket: string): Promise<void> {
  const source = join(root, 'deleted')
  await addWritten(root, join(source, 'data'))
  const prometheus = await startPrometheus(source, '', ['--web.enable-admin-api'])
  try {
    const at = (hours: number) => START + hours * HOUR
    await remove(prometheus, 'odd{kind=~"k[0-3]"}', START, WRITTEN.to)
    await remove(prometheus, 'up{job="api"}', at(1) + 7 * STEP, at(1) + 19 * STEP)
    await remove(prometheus, 'up{job="api"}', at(1) + 20 * STEP, at(1) + 25 * STEP)
    await remove(prometheus, 'up', at(5.5), at(6.5))
    await remove(prometheus, '{__name__=~"requests_.*",code="404"}', at(3), at(9) - 1)
    await remove(prometheus, 'temperature{job!="db"}', 0, at(2) + 30_000)
    await remove(prometheus, 'sparse', at(8) + 1, at(8) + 59 * STEP)
    // All of what a chunk has, but not the chunk.
    await remove(prometheus, 'once', START + 122 * STEP + 1, START + 124 * STEP - 1)
    await remove(prometheus, 'seconds_bucket{le="+Inf"}', at(10), WRITTEN.to)
    // 2.42 cannot read what is left of a chunk of histograms: whole chunks of them go.
    await remove(prometheus, '{__name__=~"hf?_.*"}', at(6), at(8) - 1)
  } finally {
    await prometheus.stop()
  }
  takeBlocks(join(source, 'data'), bucket)
}

async function remove({ url }: PrometheusServer, match: string, from: number, to: number): Promise<void> {
  const asked = new URLSearchParams({ 'match[]': match, start: String(from / 1000), end: String(to / 1000) })
  const response = await fetch(`${url}/api/v1/admin/tsdb/delete_series?${asked}`, { method: 'POST' })
  if (response.status !== 204) throw new Error(`series must be deleted: ${await response.text()}`)
}

/**
 * Blocks that have the same series at the same time: as a compaction and its sources, as two that scraped a little apart, and as a
 * block of a part of the time.
 */
export async function addOverlapping(root: string, bucket: string): Promise<void> {
  await addWritten(root, bucket)
  const text = join(root, 'text')
  // Half a second beside the others: where two blocks disagree about a sample, each reader takes the one that it likes.
  for (const [shift, keepHours] of [
    [0.5, 4],
    [0.5, 2],
    [7.5, 3],
    [0.5, 1],
  ] as const) {
    const start = START / 1000 + shift
    writeFileSync(text, openMetrics({ series: 60, start, hours: 4, keepHours, seed: 5 }).join(''))
    execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, bucket])
  }
}

/** What a Prometheus scraped of itself, and of a target that went away, until it took a snapshot. */
export async function addScraped(root: string, bucket: string): Promise<void> {
  const folder = join(root, 'scraper')
  const target = createServer((_, response) => void response.end(EXPOSED)).listen(0, '127.0.0.1')
  await once(target, 'listening')
  const { port } = target.address() as AddressInfo
  const prometheus = await startPrometheus(folder, '', ['--web.enable-admin-api', '--web.enable-lifecycle'])
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${prometheus.url}${path}`, { method })
    if (!response.ok) throw new Error(`${path} must be answered: ${response.status} ${await response.text()}`)
    return await response.text()
  }
  const until = async (query: string, is: (values: readonly number[]) => boolean) => {
    for (;;) {
      const { data } = JSON.parse(await ask(`/api/v1/query?query=${encodeURIComponent(query)}`))
      if (is(data.result.map(({ value }: { value: [number, string] }) => Number(value[1])))) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  try {
    const jobs = [job('prometheus', new URL(prometheus.url).host), job('goes', `127.0.0.1:${port}`)]
    writeFileSync(join(folder, 'prometheus.yml'), `scrape_configs:\n${jobs.join('')}`)
    await ask('/-/reload', 'POST')
    await until('count_over_time(up[1h])', counts => counts.length === 2 && counts.every(count => count >= 20))
    target.closeAllConnections()
    target.close()
    await until('exposed', values => values.length === 0)
    const { data } = JSON.parse(await ask('/api/v1/admin/tsdb/snapshot', 'POST'))
    takeBlocks(join(folder, 'data/snapshots', data.name), bucket)
  } finally {
    target.close()
    await prometheus.stop()
  }
}

const EXPOSED = `# TYPE exposed gauge
exposed 1
exposed{v="\\n"} NaN
exposed{v="😀"} -Inf
exposed{v="small"} 1.5e-300
`

function job(name: string, target: string): string {
  const times = 'scrape_interval: 50ms, scrape_timeout: 50ms'
  return `  - {job_name: ${name}, ${times}, static_configs: [{targets: ["${target}"]}]}\n`
}
