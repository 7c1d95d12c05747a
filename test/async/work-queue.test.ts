import { describe, expect, it } from 'vitest'
import { type Task, WorkQueue } from '../../src/async/work-queue.ts'
import { fakeHost, settle } from '../../src/testing/fake-host.ts'

/** Pages of named tasks; each task waits until it is let go. */
function workshop(...pages: string[][]) {
  const log: string[] = []
  const gates = new Map<string, () => void>()
  const task =
    (name: string): Task =>
    () => {
      log.push(name)
      return new Promise<void>(resolve => gates.set(name, resolve)).then(() => void log.push(`end ${name}`))
    }
  const queue = new WorkQueue(fakeHost(), async () => {
    const page = pages.shift()
    log.push(page ? 'page' : 'no page')
    return page?.map(task)
  })
  let ended: string | undefined
  return {
    queue,
    task,
    /** Lets these go, and says what has happened since the last time. */
    async next(...names: string[]): Promise<string> {
      await settle()
      for (const name of names) gates.get(name)?.()
      await settle()
      return log.splice(0).join(', ')
    },
    run(workers: number) {
      const text = (error: Error) => error.message
      void queue
        .run(workers)
        .then(() => 'well', text)
        .then(how => (ended = how))
    },
    ended: () => ended,
  }
}

describe('a work queue', () => {
  it('never runs more tasks than workers, and pulls a page only when a worker has nothing to do', async () => {
    const { run, next, ended } = workshop(['a', 'b', 'c'], ['d'])
    run(2)
    expect(await next()).toBe('page, a, b')
    expect(await next('a')).toBe('end a, c')
    expect(await next('b')).toBe('end b, page, d')
    expect(await next('c', 'd')).toBe('end c, end d, no page')
    expect(ended()).toBe('well')
  })

  it('does not let a slow task hold up those behind it', async () => {
    const { run, next } = workshop(['slow', 'b', 'c', 'd'])
    run(2)
    expect(await next()).toBe('page, slow, b')
    expect(await next('b')).toBe('end b, c')
    expect(await next('c')).toBe('end c, d')
    expect(await next('d')).toBe('end d, no page')
    expect(await next('slow')).toBe('end slow')
  })

  it('puts what is pushed to the front ahead of the page, also of one that comes later', async () => {
    const { run, queue, task, next } = workshop(['a', 'b'])
    run(1)
    queue.pushFront([task('urgent 1'), task('urgent 2')])
    expect(await next()).toBe('page, urgent 1')
    expect(await next('urgent 1')).toBe('end urgent 1, urgent 2')
    expect(await next('urgent 2')).toBe('end urgent 2, a')
    queue.pushFront([task('urgent 3')])
    expect(await next('a')).toBe('end a, urgent 3')
    expect(await next('urgent 3')).toBe('end urgent 3, b')
  })

  it('takes hundreds of thousands of re-offers at once, in their order', async () => {
    const seen: number[] = []
    const queue = new WorkQueue(fakeHost(), async () => undefined)
    const many = Array.from({ length: 300_000 }, (_, i) => async () => void seen.push(i))
    queue.pushFront(many)
    await queue.run(4)
    expect(seen).toHaveLength(many.length)
    expect(seen.slice(0, 3)).toEqual([0, 1, 2])
  })

  it('runs what must be alone last, one at a time, with nothing beside it', async () => {
    const { run, queue, task, next, ended } = workshop(['a', 'b'])
    queue.pushAlone(task('y'), 2)
    queue.pushAlone(task('x'), 1)
    run(4)
    expect(await next()).toBe('page, a, b, no page')
    expect(await next('a')).toBe('end a')
    expect(await next('b')).toBe('end b, x')
    queue.pushFront([task('late')])
    expect(await next()).toBe('')
    expect(await next('x')).toBe('end x, late')
    expect(await next('late')).toBe('end late, y')
    expect(await next('y')).toBe('end y')
    expect(ended()).toBe('well')
  })

  it('takes what a task pushes before it awaits anything, and what a list pushes while it makes its tasks', async () => {
    const { run, queue, task, next, ended } = workshop()
    queue.pushFront(
      (function* () {
        yield async () => queue.pushFront([task('from the task')])
        queue.pushFront([task('from the list')])
      })(),
    )
    run(8)
    expect(await next()).toBe('from the task, from the list, no page')
    await next('from the list', 'from the task')
    expect(ended()).toBe('well')
  })

  it('stays open while something is held, and takes what it brings', async () => {
    const { run, queue, task, next, ended } = workshop([])
    const release = queue.hold()
    run(2)
    expect([await next(), ended()]).toEqual(['page, no page', undefined])
    queue.pushFront([task('late')])
    release()
    expect(await next()).toBe('late')
    await next('late')
    expect(ended()).toBe('well')
  })

  it('takes nothing more once closed, and ends when what runs has ended', async () => {
    const { run, queue, next, ended } = workshop(['a', 'b'])
    queue.hold()
    run(1)
    await next()
    queue.close()
    expect([queue.closed, ended()]).toEqual([true, undefined])
    expect(await next('a')).toBe('end a')
    expect(ended()).toBe('well')
  })

  it('ends with the first failure, after all that runs has ended', async () => {
    const { run, queue, task, next, ended } = workshop()
    queue.pushFront([task('slow'), () => Promise.reject(new Error('first')), task('never')])
    run(2)
    expect([await next(), ended()]).toEqual(['slow', undefined])
    expect(await next('slow')).toBe('end slow')
    expect(ended()).toBe('first')
  })

  it('ends with the failure of a page, and with that of a list', async () => {
    const failing = new WorkQueue(fakeHost(), () => Promise.reject(new Error('no page')))
    await expect(failing.run(3)).rejects.toThrow('no page')
    const queue = new WorkQueue(fakeHost(), async () => undefined)
    const list = [1].values().map((): Task => {
      throw new Error('no task')
    })
    queue.pushFront(list)
    await expect(queue.run(3)).rejects.toThrow('no task')
  })
})
