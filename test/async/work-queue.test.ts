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

  it('takes what is to be first before all else, in its order', async () => {
    const { queue, task, run, next } = workshop(['a', 'b', 'c'])
    run(1)
    expect(await next()).toBe('page, a')
    queue.pushFirst(task('first'))
    queue.pushFront([task('again')])
    queue.pushFirst(task('second'))
    expect(await next('a')).toBe('end a, first')
    expect(await next('first')).toBe('end first, second')
    expect(await next('second')).toBe('end second, again')
    expect(await next('again')).toBe('end again, b')
  })

  it('reads ahead all pages that are left, and keeps their order; one worker goes on meanwhile', async () => {
    const { queue, run, next, ended } = workshop(['a', 'b', 'c'], ['d'], ['e'])
    run(2)
    expect(await next()).toBe('page, a, b')
    queue.readAhead()
    expect(await next()).toBe('page, page, no page')
    expect(await next('a', 'b')).toBe('end a, end b, c, d')
    expect(await next('c', 'd')).toBe('end c, end d, e')
    await next('e')
    expect(ended()).toBe('well')
  })

  it('while a page that is read ahead does not come, one worker goes on, and what is to be first', async () => {
    const page = Promise.withResolvers<undefined>()
    const log: string[] = []
    const gates: (() => void)[] = []
    const task = (name: string) => async () => {
      log.push(name)
      await new Promise<void>(resolve => gates.push(resolve))
    }
    const pages = [['a', 'b', 'c', 'd'].map(task)]
    const queue = new WorkQueue(fakeHost(), async () => pages.shift() ?? (await page.promise))
    const ended = queue.run(2)
    await settle()
    queue.readAhead()
    for (const open of gates.splice(0)) open()
    await settle()
    expect(log).toEqual(['a', 'b', 'c'])
    queue.pushFirst(task('first'))
    await settle()
    expect(log).toEqual(['a', 'b', 'c', 'first'])
    page.resolve(undefined)
    for (let i = 0; i < 4; i++) {
      for (const open of gates.splice(0)) open()
      await settle()
    }
    await ended
    expect(log).toEqual(['a', 'b', 'c', 'first', 'd'])
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
