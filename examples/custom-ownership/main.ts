// Ownership of your own: a function, an object that can change its mind while the gateway runs, and locks.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { services, testOwnership } from 'blockgate/testing'
import { byCluster } from './by-cluster.ts'
import { type FileLock, fileLock } from './file-lock.ts'
import { takeLock } from './lock-file.ts'
import { host, open } from './open.ts'

// A function is enough: true means "mine". It is asked at the moment of each add.
const half = await open(block => block.ulid.charCodeAt(25) % 2 === 0)
const first = await half.sync()
console.log(`function: ${first.summary.blocks.added} mine, ${first.summary.blocks.skipped} not, of them 1 is partial`)
await half.stop()

// An object can say more: a reason, an epoch, and that its answers have changed.
const plugin = byCluster({ clusters: ['eu'] })
const clusters = await open(plugin)
const eu = await clusters.sync()
console.log(`object, eu: ${eu.summary.blocks.added} added`)
plugin.assign(['eu', 'us'])
const both = await clusters.sync()
console.log(`object, eu and us: ${both.summary.blocks.added} added`)
// To let go of all that is loaded at once would need `confirmDrops`: a mistake looks just like that.
plugin.assign(['us'])
const us = await clusters.sync()
console.log(`object, us: ${us.summary.blocks.dropped} dropped`)
await clusters.stop()

// Locks decide while gateways run, and need no list of members: files in a folder are enough within one machine.
const temp = mkdtempSync(join(tmpdir(), 'blockgate-locks-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
const shared = join(temp, 'shared')
const pair = await Promise.all(['a', 'b'].map(id => open(fileLock({ dir: shared, buckets: 8, most: 5 }), id)))
const added = (await Promise.all(pair.map(each => each.sync()))).flatMap(({ outcomes }) =>
  [...outcomes].flatMap(([id, { kind }]) => (kind === 'added' ? [id] : [])),
)
console.log(
  `file lock, two gateways at once: ${added.length} added, ${added.length - new Set(added).size} of them by both`,
)
await Promise.all(pair.map(each => each.stop()))

// One that dies says no word; others see that its process is no more.
const script = new URL('other-process.ts', import.meta.url).pathname
const other = spawn(process.execPath, [...process.execArgv, script, shared], { stdio: ['ignore', 'pipe', 'inherit'] })
process.on('exit', () => other.kill('SIGKILL'))
const [line] = await once(other.stdout, 'data')
console.log(`file lock, ${String(line).trim()}`)
const here = await open(fileLock({ dir: shared, buckets: 8, most: 8 }))
const before = await here.sync()
other.kill('SIGKILL')
await once(other, 'exit')
const after = await here.sync()
console.log(`file lock, here: ${before.summary.blocks.added} added; when it was killed: ${after.summary.blocks.added}`)
await here.stop()

// The kit says whether an object keeps the contract. Any runner with `describe` and `it` will do.
testOwnership(
  { describe, it },
  {
    name: 'by-cluster',
    factory: () => byCluster({ clusters: ['eu'] }),
    invalid: [() => byCluster({ clusters: [''] })],
    change: async changed => changed.assign(['us']),
  },
)

const folders = new WeakMap<FileLock, string>()
let count = 0
const lockIn = (dir: string) => {
  const made = fileLock({ dir, buckets: 8, most: 8 })
  folders.set(made, dir)
  return made
}
const folder = () => join(temp, `kit-${count++}`)
testOwnership(
  { describe, it },
  {
    name: 'file-lock',
    // It waits for a disk: a real host.
    services: instance => services({ instance, host }),
    factory: () => lockIn(folder()),
    invalid: [() => fileLock({ dir: '', buckets: 8, most: 8 }), () => fileLock({ dir: temp, buckets: 0, most: 8 })],
    pair: () => {
      const dir = folder()
      return [lockIn(dir), lockIn(dir)]
    },
    // Somebody deletes its locks, and others are faster.
    change: async changed => {
      const dir = folders.get(changed) ?? ''
      await rm(dir, { recursive: true, force: true })
      await Promise.all(Array.from({ length: 8 }, (_, bucket) => takeLock(join(dir, String(bucket)), 'rival')))
      await changed.look()
    },
  },
)
