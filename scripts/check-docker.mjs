// The steps of examples/docker/Dockerfile, executed as they are in a folder that stands for the image: there need be no Docker for it.
//   node scripts/check-docker.mjs
// Then the command of the StatefulSet of deploy/kubernetes, with its config mounted as a ConfigMap is. Only what cannot be there is
// replaced: absolute paths by those in the folder, the port by a free one.

import { spawn, spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parse } from 'yaml'

const ROOT = resolve(import.meta.dirname, '..')
/** Of one step. */
const LIMIT_MS = 180_000
const CONFIG = '/etc/blockgate'
const root = mkdtempSync(join(tmpdir(), 'blockgate-docker-'))
/** `npm install --global` of the image goes there. */
const PREFIX = '/usr/local'
const PATH = `${inRoot(`${PREFIX}/bin`)}:${process.env.PATH}`

try {
  const steps = readFileSync(join(ROOT, 'examples/docker/Dockerfile'), 'utf8').split('\n')
  for (const folder of ['/tmp', CONFIG, '/data', PREFIX]) mkdirSync(inRoot(folder), { recursive: true })
  // The first stage is built in the checkout itself: npm ci has been made here.
  let cwd = ROOT
  for (const step of steps) {
    const [, word, rest = ''] = /^([A-Z]+) (.*)$/.exec(step) ?? []
    if (word === 'FROM' && !rest.includes(' AS ')) cwd = inRoot('/')
    if (word === 'COPY' && cwd !== ROOT) copy(rest)
    if (word === 'RUN') shell(inFolder(rest), cwd)
  }
  const [command, ...args] = [...listOf(steps, 'ENTRYPOINT'), ...listOf(steps, 'CMD')]
  await serves(command, args)
  const { containers, volumes } = statefulSet().spec.template.spec
  mountConfigMap(volumes)
  await serves(command, containers[0].args)
  console.log('docker: every step of the Dockerfile works, and the gateway serves and stops, with a ConfigMap, too')
} finally {
  rmSync(root, { recursive: true, force: true })
}

function inRoot(path) {
  return join(root, path)
}

/** Absolute paths of a command, in the folder. */
function inFolder(text) {
  return text.replaceAll(/(?<=^|[ =])\/(?:tmp|etc|data)\b/g, path => inRoot(path))
}

function copy(rest) {
  const words = rest.split(' ')
  const fromBuild = words[0].startsWith('--from=')
  const to = words.at(-1)
  for (const pattern of words.slice(fromBuild ? 1 : 0, -1)) {
    const files = fromBuild ? globSync(inRoot(pattern)) : [join(ROOT, pattern)]
    if (files.length === 0) throw new Error(`COPY must find a file: ${pattern}`)
    if (!fromBuild) for (const file of files) cpSync(file, inRoot(join(to, file.split('/').at(-1))))
  }
}

function listOf(steps, word) {
  return JSON.parse(steps.find(step => step.startsWith(`${word} [`)).slice(word.length + 1))
}

function statefulSet() {
  return parse(readFileSync(join(ROOT, 'deploy/kubernetes/statefulset.yaml'), 'utf8'))
}

/** As the kubelet does it: a folder of the moment, a link to it, and links to the files behind that. */
function mountConfigMap(volumes) {
  if (!volumes.some(({ configMap }) => configMap))
    throw new Error('the StatefulSet must mount its config as a ConfigMap')
  const folder = inRoot(CONFIG)
  const file = 'blockgate.config.ts'
  mkdirSync(join(folder, '..2026_11_30'))
  cpSync(join(ROOT, 'deploy/kubernetes', file), join(folder, '..2026_11_30', file))
  rmSync(join(folder, file))
  symlinkSync('..2026_11_30', join(folder, '..data'))
  symlinkSync(join('..data', file), join(folder, file))
}

function shell(command, cwd) {
  // What check-package.mjs has just asked the registry for is not asked for again.
  const npm = {
    npm_config_prefer_offline: 'true',
    npm_config_fetch_timeout: '60000',
    npm_config_prefix: inRoot(PREFIX),
  }
  const env = { ...process.env, ...npm, PATH }
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

/** The command of a container, with a store that cannot be reached: the gateway is healthy, not ready, and ends at SIGTERM. */
async function serves(command, args) {
  const port = await freePort()
  const env = {
    S3_BUCKET: 'none',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    POD_NAME: 'blockgate-0',
    REDIS_URL: 'redis://127.0.0.1:9',
  }
  const child = spawn(command, args.map(inFolder), {
    cwd: inRoot('/'),
    env: { ...process.env, ...env, PATH, DIR: inRoot('/data'), HTTP: `127.0.0.1:${port}` },
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
