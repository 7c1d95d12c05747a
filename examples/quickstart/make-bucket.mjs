// Makes ./bucket again from real tools. Not part of `npm start`: what it made once is committed. See README.md.
//   node examples/quickstart/make-bucket.mjs [folder]          needs promtool and prometheus on the PATH

import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openMetrics } from './openmetrics.mjs'

const START = Date.UTC(2026, 9, 1) / 1000 // a multiple of 6 hours, so that three blocks make one compaction window
const HOURS = 14
const PROMETHEUS_MINUTES = 3

const bucket = resolve(process.argv[2] ?? join(import.meta.dirname, 'bucket'))
const work = mkdtempSync(join(tmpdir(), 'blockgate-bucket-'))
rmSync(bucket, { recursive: true, force: true })
mkdirSync(bucket, { recursive: true })

try {
  const eu = blocks('eu', 1)
  const us = blocks('us', 2)
  // The first three fill a window. promtool's blocks end with their last sample, short of it, so Prometheus compacts them
  // only when two newer ones show that the window is over.
  const parent = await compacted(eu.slice(0, 5))

  for (const dir of eu) upload(dir, { cluster: 'eu', replica: 'a' }, 'sidecar')
  upload(parent, { cluster: 'eu', replica: 'a' }, 'compactor')
  const ids = us.map((dir, i) => upload(dir, { cluster: 'us', replica: 'a' }, 'sidecar', i === 0))

  const [, , , , deleted, partial, corrupt] = ids
  const mark = { id: deleted, version: 1, details: 'examples/quickstart', deletion_time: START + 86_400 }
  writeFileSync(join(bucket, deleted, 'deletion-mark.json'), `${JSON.stringify(mark)}\n`)
  rmSync(join(bucket, partial, 'meta.json'))
  const meta = readFileSync(join(bucket, corrupt, 'meta.json'))
  writeFileSync(join(bucket, corrupt, 'meta.json'), meta.subarray(0, 120)) // what a torn upload leaves

  console.log(`${readdirSync(bucket).length} blocks in ${bucket}`)
  console.log(`compacted parent ${read(parent).ulid}, marked ${deleted}, partial ${partial}, corrupt ${corrupt}`)
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** The folders of 2 h blocks that promtool cuts, oldest first. */
function blocks(cluster, seed) {
  const text = join(work, `${cluster}.om`)
  const out = join(work, cluster)
  writeFileSync(text, openMetrics({ seed, start: START, hours: HOURS }))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, out], { stdio: 'inherit' })
  return blockDirs(out).sort((a, b) => read(a).minTime - read(b).minTime)
}

/** A real Prometheus compacts copies of `dirs`; gives the folder of the block it made. */
async function compacted(dirs) {
  const db = join(work, 'db')
  for (const dir of dirs) cpSync(dir, join(db, read(dir).ulid), { recursive: true })
  const config = join(work, 'prometheus.yml')
  writeFileSync(config, 'global: { scrape_interval: 1h }\n')
  const server = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${db}`,
      `--web.listen-address=127.0.0.1:${await freePort()}`,
      '--storage.tsdb.retention.time=100y',
      '--storage.tsdb.min-block-duration=2h',
      '--storage.tsdb.max-block-duration=6h',
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  )
  const ended = new Promise((done, fail) => server.once('exit', done).once('error', fail))
  try {
    for (let second = 0; second < PROMETHEUS_MINUTES * 60; second++) {
      const made = blockDirs(db).find(dir => read(dir).compaction.level > 1)
      if (made) return made
      await Promise.race([sleep(1000), ended])
      if (server.exitCode !== null) throw new Error(`prometheus ended with code ${server.exitCode}`)
    }
    throw new Error(`prometheus compacted nothing in ${PROMETHEUS_MINUTES} minutes`)
  } finally {
    server.kill('SIGTERM')
    await ended
  }
}

/** Copies what Thanos would upload (index, chunks, meta.json with a `thanos` section); gives the block's id. */
function upload(dir, labels, source, hashed = false) {
  const meta = read(dir)
  const to = join(bucket, meta.ulid)
  const segments = readdirSync(join(dir, 'chunks')).sort()
  const paths = [...segments.map(name => `chunks/${name}`), 'index']
  for (const path of paths) cpSync(join(dir, path), join(to, path))
  const files = paths.map(path => ({
    rel_path: path,
    size_bytes: statSync(join(dir, path)).size,
    ...(hashed ? { hash: { hashFunc: 'SHA256', value: sha256(join(dir, path)) } } : {}),
  }))
  const thanos = {
    version: 1,
    labels,
    downsample: { resolution: 0 },
    source,
    segment_files: segments,
    files: [...files, { rel_path: 'meta.json' }],
  }
  writeFileSync(join(to, 'meta.json'), `${JSON.stringify({ ...meta, thanos }, null, '\t')}\n`)
  return meta.ulid
}

function blockDirs(root) {
  return readdirSync(root)
    .filter(name => /^[0-9A-Z]{26}$/.test(name) && existsSync(join(root, name, 'meta.json')))
    .map(name => join(root, name))
}

function read(dir) {
  return JSON.parse(readFileSync(join(dir, 'meta.json'), 'utf8'))
}

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer()
    probe.once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => done(port))
    })
  })
}
