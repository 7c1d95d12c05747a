// The installed command line, where a user has it: in the project of scripts/fixtures/consumer.

import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { run, runBoth } from './run.mjs'

/** Once more with the oldest Node on the PATH, where one is too old: it must say so, in one line. */
const TOO_OLD = /^blockgate: Node must be 22\.18 or newer: this is \S+ \(.+\)\n$/

/** @param {string} folder where the package is installed, and the consumer's files are */
export function checkCli(folder) {
  const node = { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) }
  const npx = (args, expect) => runBoth('npx', ['--no', 'blockgate', ...args], { cwd: folder, env: node, expect })

  const checked = npx(['check'], 0).stdout
  const stages = [...checked.matchAll(/^ +\d+ +\S+ +(\S+)/gm)].map(([, name]) => name).join(' ')
  same('check', stages, 'scan-bucket time-range not-deleted dedup newest-first owned ids')

  // One block of the bucket is broken: its exit code is 1.
  const { blocks, run: done, stages: told, failures } = JSON.parse(npx(['sync', '--json'], 1).stdout)
  same('sync --json', { seen: blocks.seen, failed: blocks.failed }, { seen: 15, failed: 1 })
  same('sync --json', [done.reason, done.complete, told.length, failures.length], ['manual', true, 7, 1])

  for (const old of olderNodes()) {
    const main = join(folder, 'node_modules/blockgate/dist/src/cli/main.js')
    const { stdout, stderr } = runBoth(old, [main, 'check'], { cwd: folder, expect: 2 })
    if (stdout !== '' || !TOO_OLD.test(stderr)) throw new Error(`${old} must be told that it is too old: ${stderr}`)
    console.log(
      `package: the command line: ${run(old, ['--version'], { cwd: folder }).trim()} is told that it is too old`,
    )
  }
}

/** Every `node` on the PATH that is older than the package's `engines`. */
function olderNodes() {
  const all = (process.env.PATH ?? '').split(delimiter).map(path => join(path, 'node'))
  return [...new Set(all)].filter(isExecutable).filter(path => {
    const [major, minor] = execFileSync(path, ['--version']).toString().slice(1).split('.').map(Number)
    return major < 22 || (major === 22 && minor < 18)
  })
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EACCES' || error.code === 'ENOTDIR') return false
    throw error
  }
}

function same(what, actual, expected) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== e) throw new Error(`${what} must tell ${e}: it tells ${a}`)
}
