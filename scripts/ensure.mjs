// Runs before `npm start`, `npm run dev:worker` and `npm test`, and installs what is missing: each works from a plain clone.
//   node scripts/ensure.mjs start|dev|test
// It may run on an old Node (Debian's own), before anything is installed: plain JavaScript, no dependencies.

import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A checkout runs its TypeScript sources as they are, `using` included: Node 22 cannot parse that. Users of dist need 22.18. */
const NODE_MAJOR = 24

/** What the tests start from Debian, and the package that has it. */
export const DEBIAN = [
  { command: 'promtool', package: 'prometheus' },
  { command: 'radosgw', package: 'radosgw' },
  { command: 'ceph-mon', package: 'ceph-mon' },
  { command: 'ceph-osd', package: 'ceph-osd' },
  { command: 'ceph', package: 'ceph-common' },
  { command: 'openssl', package: 'openssl' },
  { command: 'redis-server', package: 'redis-server' },
  { command: 'curl', package: 'curl' },
  { command: 'jq', package: 'jq' },
  { command: 'chromium', package: 'chromium' },
]

/** Why `npm ci` has to run, or undefined. For `start` it installs what that needs alone, so that what comes later runs it again. */
export function whyInstall(root, goal) {
  const installed = modified(join(root, 'node_modules/.package-lock.json'))
  if (installed === undefined) return 'nothing is installed yet'
  if (installed < modified(join(root, 'package-lock.json'))) return 'package-lock.json is newer than what is installed'
  if (goal !== 'start' && !existsSync(join(root, 'node_modules/vitest'))) return 'the development packages are missing'
  return undefined
}

/** The entries of `table` whose command stands in no folder of `path`. */
export function missingCommands(table, path) {
  const folders = path.split(delimiter).filter(folder => folder !== '')
  return table.filter(entry => !folders.some(folder => executable(join(folder, entry.command))))
}

/** The shell commands that install `missing`, for a machine where this script may not. */
export function aptCommands(missing) {
  const packages = [...new Set(missing.map(entry => entry.package))].join(' ')
  return ['apt-get update', `apt-get install -y --no-install-recommends ${packages}`]
}

/** What is wrong with a Node of this version (`v24.21.0`), or undefined. */
export function nodeProblem(version) {
  if (Number(/^v(\d+)\./.exec(version)?.[1]) >= NODE_MAJOR) return undefined
  return `Node must be ${NODE_MAJOR} or newer to run from a checkout: current value is ${version}`
}

function main(goal) {
  if (!['start', 'dev', 'test'].includes(goal))
    stop(`the argument must be start, dev or test: current value is ${goal}`)
  const why = whyInstall(ROOT, goal)
  if (why !== undefined) install(why, goal)
  const problem = nodeProblem(scriptNode())
  if (problem !== undefined)
    stop(`${problem}. On Linux it comes with npm ci; elsewhere install it from https://nodejs.org`)
  if (goal === 'test') installDebian()
}

function install(why, goal) {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (goal === 'start') args.push('--workspace=tools/start', '--omit=dev')
  say(`${why}: npm ${args.join(' ')}`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status, error } = spawnSync(npm, args, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' })
  if (error !== undefined) stop(`npm cannot be started: ${error.message}`)
  if (status !== 0) stop('npm ci failed: see above')
}

/** The version of the `node` that npm scripts run on: npm puts node_modules/.bin first on their PATH. */
function scriptNode() {
  const own = join(ROOT, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  if (!existsSync(own)) return process.version
  return execFileSync(own, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' }).trim()
}

function installDebian() {
  const missing = missingCommands(DEBIAN, process.env.PATH ?? '')
  if (missing.length === 0) return
  const commands = aptCommands(missing)
  const names = missing.map(entry => entry.command).join(', ')
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    stop(`the tests need ${names}. Run this first, then again: sudo sh -c '${commands.join(' && ')}'`)
  }
  say(`the tests need ${names}: ${commands.join(' && ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const command of commands) {
    const [file, ...args] = command.split(' ')
    const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
    if (status !== 0) stop(`${command} failed:\n${stdout}${stderr}`)
  }
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : undefined
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function say(text) {
  console.log(`blockgate: ${text}`)
}

function stop(text) {
  console.error(`blockgate: ${text}`)
  process.exit(2)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv[2])
