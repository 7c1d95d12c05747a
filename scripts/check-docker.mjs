// The steps of examples/docker/Dockerfile, executed as they are in a clean folder: there need be no Docker for it.
//   node scripts/check-docker.mjs
// Only what cannot be there is replaced: the published package by the packed checkout, /data by a folder, the port by a free one.

import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const ROOT = resolve(import.meta.dirname, '..')
/** Of one step. */
const LIMIT_MS = 180_000
const EXAMPLE = join(ROOT, 'examples/docker')
const temp = mkdtempSync(join(tmpdir(), 'blockgate-docker-'))
const folder = join(temp, 'gateway')

try {
  const steps = readFileSync(join(EXAMPLE, 'Dockerfile'), 'utf8').split('\n')
  const tarball = join(
    temp,
    shell('npm pack --silent --pack-destination "$PACK"', ROOT, { PACK: temp }).trim().split('\n').at(-1),
  )
  shell(`mkdir -p ${folder}`, temp)
  for (const step of steps) {
    const [, word, rest = ''] = /^([A-Z]+) (.*)$/.exec(step) ?? []
    if (word === 'COPY')
      for (const file of rest.split(' ').slice(0, -1)) cpSync(join(EXAMPLE, file), join(folder, file))
    if (word === 'RUN') shell(rest.replace(/blockgate@\S+/, tarball), folder)
  }
  await serves(steps)
  console.log('docker: every step of the Dockerfile works, and the gateway serves and stops')
} finally {
  rmSync(temp, { recursive: true, force: true })
}

function shell(command, cwd, more = {}) {
  // What check-package.mjs has just asked the registry for is not asked for again.
  const env = { ...process.env, npm_config_prefer_offline: 'true', npm_config_fetch_timeout: '60000', ...more }
  const { error, status, stdout, stderr } = spawnSync('sh', ['-ec', command], {
    cwd,
    env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  })
  if (error) throw new Error(`step must end within ${LIMIT_MS / 1000} s: ${command}`, { cause: error })
  if (status !== 0) throw new Error(`step must exit with 0: ${command}\n${stdout}${stderr}`)
  return stdout
}

/** ENTRYPOINT and CMD, with a store that cannot be reached: the gateway is healthy, not ready, and ends at SIGTERM with 0. */
async function serves(steps) {
  const words = word => JSON.parse(steps.find(step => step.startsWith(`${word} [`)).slice(word.length + 1))
  const [command, ...args] = [...words('ENTRYPOINT'), ...words('CMD')]
  const port = await freePort()
  const env = {
    S3_BUCKET: 'none',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  }
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env, DIR: join(temp, 'data'), HTTP: `127.0.0.1:${port}` },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let log = ''
  child.stderr.on('data', text => {
    log += text
  })
  const ended = new Promise(done => child.once('close', code => done(code)))
  try {
    const healthy = await status(`http://127.0.0.1:${port}/-/healthy`, ended)
    const ready = await status(`http://127.0.0.1:${port}/-/ready`, ended)
    if (healthy !== 200 || ready !== 503)
      throw new Error(`healthy must be 200 and ready 503: they are ${healthy} and ${ready}`)
  } catch (error) {
    throw new Error(`${error.message}\n${log}`)
  } finally {
    process.kill(-child.pid, 'SIGTERM')
  }
  await ended
}

async function status(url, ended) {
  let code
  ended.then(value => {
    code = value ?? 'a signal'
  })
  for (let i = 0; i < 200 && code === undefined; i++) {
    try {
      return (await fetch(url)).status
    } catch {
      await setTimeout(100) // not listening yet
    }
  }
  throw new Error(`${url} must answer: the gateway ${code === undefined ? 'does not' : `ended with ${code}`}`)
}

function freePort() {
  return new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}
