import { describe, expect, it } from 'vitest'
import { type Task, WorkQueue } from '../../src/async/work-queue.ts'
import { fakeHost, settle } from '../../src/testing/fake-host.ts'

/** Pages of named tasks; each task waits until it is let go. */
function workshop(pages: string[][]) {
  const log: string[] = []
  const gates = new Map<string, () => void>()
  const task =
    (name: string): Task =>
    () => {
      log.push(`start ${name}`)
      return new Promise<void>(resolve => gates.set(name, resolve)).then(() => void log.push(`end ${name}`))
    }
  let pulls = 0
  const queue = new WorkQueue(fakeHost(), async () => {
    const page = pages[pulls++]
    log.push(page ? `pull ${pulls}` : 'pull: no more')
    return page?.map(task)
  })
  const letGo = async (...names: string[]) => {
    for (const name of names) gates.get(name)?.()
    await settle()
  }
  return { log, queue, task, letGo }
}

describe('a work queue', () => {
  it('never runs more tasks than lanes, and pulls a page only when a lane has nothing to do', async () => {
    const { log, queue, letGo } = workshop([['a', 'b', 'c'], ['d']])
    const done = queue.run(2)
    await settle()
    expect(log).toEqual(['pull 1', 'start a', 'start b'])
    await letGo('a')
    expect(log.slice(3)).toEqual(['end a', 'start c'])
    await letGo('b')
    expect(log.slice(5)).toEqual(['end b', 'pull 2', 'start d'])
    await letGo('c', 'd')
    await done
    expect(log.slice(8)).toEqual(['end c', 'end d', 'pull: no more'])
  })

  it('does not let a slow task hold up those behind it', async () => {
    const { log, queue, letGo } = workshop([['slow', 'b', 'c', 'd']])
    const done = queue.run(2)
    await settle()
    await letGo('b')
    await letGo('c')
    await letGo('d')
    expect(log).toEqual([
      'pull 1',
      'start slow',
      'start b',
      'end b',
      'start c',
      'end c',
      'start d',
      'end d',
      'pull: no more',
    ])
    await letGo('slow')
    await done
  })

  it('puts what is pushed to the front ahead of the page', async () => {
    const { log, queue, task, letGo } = workshop([['a', 'b']])
    const done = queue.run(1)
    await settle()
    queue.pushFront([task('urgent 1'), task('urgent 2')])
    for (const name of ['a', 'urgent 1', 'urgent 2', 'b']) await letGo(name)
    await done
    expect(log.filter(line => line.startsWith('start'))).toEqual([
      'start a',
      'start urgent 1',
      'start urgent 2',
      'start b',
    ])
  })

  it('takes hundreds of thousands of re-offers at once, in their order', async () => {
    const seen: number[] = []
    const queue = new WorkQueue(fakeHost(), async () => undefined)
    const many = Array.from({ length: 300_000 }, (_, i) => async () => {
      seen.push(i)
    })
    queue.pushFront(many)
    await queue.run(4)
    expect(seen).toHaveLength(many.length)
    expect(seen.slice(0, 3)).toEqual([0, 1, 2])
  })

  it('runs what must be alone last, one at a time, with nothing beside it', async () => {
    const { log, queue, task, letGo } = workshop([['a', 'b']])
    queue.pushAlone(task('y'), 2)
    queue.pushAlone(task('x'), 1)
    const done = queue.run(4)
    await settle()
    const starts = () => log.filter(line => line.startsWith('start'))
    expect(starts()).toEqual(['start a', 'start b'])
    await letGo('a')
    expect(log).not.toContain('start x')
    await letGo('b')
    expect(log.at(-1)).toBe('start x')
    queue.pushFront([task('late')])
    await settle()
    expect(log).not.toContain('start late')
    await letGo('x')
    expect(log.at(-1)).toBe('start late')
    await letGo('late')
    expect(log.at(-1)).toBe('start y')
    await letGo('y')
    await done
  })

  it('is not finished while the only task has been taken and not yet begun', async () => {
    const log: string[] = []
    const queue: WorkQueue = new WorkQueue(fakeHost(), async () => undefined)
    queue.pushFront([
      async () => {
        log.push('first')
        queue.pushFront([async () => void log.push('second')])
      },
    ])
    await queue.run(8)
    expect(log).toEqual(['first', 'second'])
  })

  it('stays open while something is held, and takes what it brings', async () => {
    const { log, queue, task, letGo } = workshop([[]])
    const release = queue.hold()
    let ended = false
    const done = queue.run(2).then(() => {
      ended = true
    })
    await settle()
    expect(ended).toBe(false)
    queue.pushFront([task('late')])
    release()
    await settle()
    await letGo('late')
    await done
    expect(log).toContain('end late')
  })

  it('takes nothing more once closed, and ends when what runs has ended', async () => {
    const { log, queue, letGo } = workshop([['a', 'b']])
    queue.hold()
    const done = queue.run(1)
    await settle()
    queue.close()
    await letGo('a')
    await done
    expect(log).toEqual(['pull 1', 'start a', 'end a'])
  })

  it('ends with the first failure, after all that runs has ended', async () => {
    const { log, queue, task, letGo } = workshop([])
    queue.pushFront([task('slow'), async () => Promise.reject(new Error('first')), task('never')])
    const done = queue.run(2)
    const ended = done.then(
      () => 'fine',
      (error: Error) => error.message,
    )
    await settle()
    expect(log).toEqual(['start slow'])
    await letGo('slow')
    expect(await ended).toBe('first')
  })

  it('ends with the failure of a page', async () => {
    const queue = new WorkQueue(fakeHost(), async () => Promise.reject(new Error('no page')))
    await expect(queue.run(3)).rejects.toThrow('no page')
  })
})
