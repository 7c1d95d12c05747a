import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Bucket } from 'blockgate'
import { memoryBucket, testBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const file = fileURLToPath(new URL('./runners/test-bucket.mjs', import.meta.url))

describe('testBucket()', () => {
  it('runs unchanged under node:test', async () => {
    const args = ['--conditions=blockgate-source', '--test', '--test-reporter=tap', file]
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, NODE_TEST_CONTEXT: undefined } })
    expect(Number(/^# tests (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(140)
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(stdout).toContain('lets exactly one of 10 concurrent puts of an absent object win')
  })

  it('says in a name what it leaves out, and registers no case of it', () => {
    const names = (conditionalPut: boolean) => {
      const seen: string[] = []
      const runner = { describe: (_: string, fn: () => void) => fn(), it: (name: string) => void seen.push(name) }
      testBucket(runner, { name: 'x', factory: () => ({ bucket: memoryBucket() }), supports: { conditionalPut } })
      return seen
    }
    const unreadable = 'left out: folders that cannot be read (spoil is not given)'
    expect(names(true).filter(name => name.startsWith('left out'))).toEqual([unreadable])
    expect(names(false)).toContain('left out: conditional puts (supports.conditionalPut is false)')
    expect(names(false).filter(name => name.startsWith('lets exactly one'))).toEqual([])
    expect(new Set(names(true)).size).toBe(names(true).length)
  })

  it('finds a store that loses one race of twenty', async () => {
    /** Two are told that theirs is stored, in the last race only. */
    const careless = () => {
      const bucket = memoryBucket()
      let conflicts = 0
      const put: Bucket['put'] = async (key, body, options) => {
        const answer = await bucket.put(key, body, options)
        return options.if && answer === 'conflict' && ++conflicts === 19 * 9 + 1 ? 'stored' : answer
      }
      return { bucket: { ...bucket, put } }
    }
    const races: Promise<void>[] = []
    const it = (name: string, fn: () => Promise<void> | void) => {
      if (name.startsWith('lets exactly one')) races.push(Promise.resolve(fn()))
    }
    testBucket({ describe: (_, fn) => fn(), it }, { name: 'x', factory: careless })
    const ended = await Promise.allSettled(races)
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(String(ended.map(end => end.status === 'rejected' && end.reason))).toContain('one winner in each race')
  })
})
