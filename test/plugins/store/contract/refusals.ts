/** What is refused: each call gives the reply, and writes nothing. */
import type { Stamp } from 'blockgate/members'
import { A, ANY_NUMBER, B, type Cases, FRESH, itemOf, type Process, STATS, type Subject } from './subject.ts'

/** Prepares a store, and gives what is refused then. */
type Prepare = (s: Subject) => Promise<() => Promise<unknown>>

const down = async (s: Subject, ...blocks: (typeof A)[]) => {
  const a = await s.member('a', blocks)
  await s.expire('a')
  return a
}

const REFUSED: Readonly<Record<string, readonly [Prepare, reply: unknown]>> = {
  'a first join of one process that lands after its later writes': [
    async s => {
      const a = await s.member('a', [A])
      await a.heartbeat()
      return () => a.join({ incarnation: 0, sequence: 4 })
    },
    { status: 'stale' },
  ],
  'a later join whose sequence is not newer': [
    async s => {
      const a = await s.member('a', [A])
      return () => a.join({ sequence: 3 })
    },
    { status: 'stale' },
  ],
  ...Object.fromEntries(
    [-1, 0, 1].map(off => [
      `a first join of a new process in place of ${off === 0 ? 'nobody' : `incarnation ${off}`}`,
      [
        async (s: Subject) => {
          const { incarnation } = await s.member('a', [A])
          return () => s.process('a', 'a-2').join({ replaces: off === 0 ? 0 : incarnation + off })
        },
        { status: 'moved' },
      ],
    ]),
  ),
  'a first join in place of a member that is gone': [
    async s => () => s.process('a').join({ replaces: 7 }),
    { status: 'moved' },
  ],
  'an older process that joins again': [
    async s => {
      const old = await s.member('a')
      const next = s.process('a', 'a-2')
      await next.joined({ replaces: old.incarnation })
      await next.serve([A])
      return () => old.join()
    },
    { status: 'superseded' },
  ],
  'a placement that was worked out in another epoch': [
    async s => {
      const a = await s.member('a')
      await a.publishPlacement('one')
      const epoch = await s.epoch()
      await s.member('b')
      return () => a.publishPlacement('two', epoch)
    },
    'epoch',
  ],
  'a placement that was worked out beside another one, which came first': [
    async s => {
      const [a, b] = [await s.member('a'), await s.member('b')]
      const epoch = await s.epoch()
      await b.publishPlacement('one', epoch)
      return () => a.publishPlacement('two', epoch)
    },
    'epoch',
  ],
  'a placement while frozen': [
    async s => {
      const a = await s.member('a')
      await s.store.freeze(true)
      return () => a.publishPlacement('one')
    },
    'frozen',
  ],
  'a placement of a member that is down': [
    async s => {
      const a = await down(s)
      return () => a.publishPlacement('one')
    },
    'missing',
  ],
  'a placement that comes late': [
    async s => {
      const a = await s.member('a')
      const stamp = a.stamp()
      await a.heartbeat()
      const decidedIn = await s.epoch()
      return () => s.store.publishPlacement(stamp, { decidedIn, text: 'one' })
    },
    'stale',
  ],
  'a placement of a process that another one has taken the place of': [
    async s => {
      const a = await s.member('a')
      await s.process('a', 'a-2').joined({ replaces: a.incarnation })
      return () => a.publishPlacement('one')
    },
    'superseded',
  ],
  'a member on another bucket': [
    async s => {
      await s.member('a')
      return () => s.process('b').join({ bucket: 'other' })
    },
    { status: 'other-bucket', member: 'a', bucket: 'bucket' },
  ],
  'a member that moved to another bucket': [
    async s => {
      await s.member('a')
      const b = await s.member('b', [A])
      return () => b.join({ bucket: 'other' })
    },
    { status: 'other-bucket', member: 'a', bucket: 'bucket' },
  ],
  ...Object.fromEntries(
    [-1, 1].map(off => [
      `expire of a heartbeat that is ${off < 0 ? 'not the last' : 'nobody’s'}, also at the limit`,
      [
        async (s: Subject) => {
          const a = await s.member('a')
          return () => s.store.expire('a', { ...a, sequence: a.sequence + off }, { max: 0, windowMs: 1 }, 'b')
        },
        'moved',
      ],
    ]),
  ),
  'expire of another incarnation': [
    async s => {
      const a = await s.member('a')
      return () => s.store.expire('a', { ...a, incarnation: a.incarnation - 1 }, ANY_NUMBER, 'b')
    },
    'moved',
  ],
  'expire while frozen': [
    async s => {
      const a = await s.member('a')
      await s.store.freeze(true)
      return () => s.store.expire('a', a, ANY_NUMBER, 'b')
    },
    'refused',
  ],
  'expire where nobody may be expired': [
    async s => {
      const a = await s.member('a')
      return () => s.store.expire('a', a, { max: 0, windowMs: 1000 }, 'b')
    },
    'refused',
  ],
  ...Object.fromEntries(
    (['is down', 'has left', 'was forgotten', 'never came'] as const).map(what => [
      `expire of one that ${what}`,
      [
        async (s: Subject) => {
          const a = what === 'never came' ? s.process('a') : await s.member('a')
          if (what === 'is down' || what === 'was forgotten') await s.expire('a')
          if (what === 'was forgotten') await s.forget('a')
          if (what === 'has left') await a.leave()
          const { incarnation, sequence } = a
          return () => s.store.expire('a', { incarnation, sequence }, ANY_NUMBER, 'b')
        },
        'gone',
      ],
    ]),
  ),
  ...Object.fromEntries(
    (['evict', 'forget'] as const).flatMap(name => [
      [`${name} of one that never came`, [async (s: Subject) => () => s.store[name]('a', 0), false]],
      [
        `${name} of a member that is up`,
        [
          async (s: Subject) => {
            await s.member('a')
            const { changed } = await s.entry('a')
            return () => s.store[name]('a', changed)
          },
          false,
        ],
      ],
      ...[-1, 1].map(off => [
        `${name} of a member whose entry changed in another epoch (${off})`,
        [
          async (s: Subject) => {
            await down(s)
            const { changed } = await s.entry('a')
            return () => s.store[name]('a', changed + off)
          },
          false,
        ],
      ]),
    ]),
  ),
  'evict of one that has no place any more': [
    async s => {
      await down(s)
      await s.evict('a')
      return () => s.evict('a')
    },
    false,
  ],
  'evict while frozen': [
    async s => {
      await down(s)
      await s.store.freeze(true)
      return () => s.evict('a')
    },
    false,
  ],
  ...Object.fromEntries(
    [true, false].flatMap(on => [
      [`drain ${on} of one that never came`, [async (s: Subject) => () => s.store.drain('a', on), false]],
      [
        `drain ${on} where it is so already`,
        [
          async (s: Subject) => {
            await s.member('a')
            await s.store.drain('a', on)
            return () => s.store.drain('a', on)
          },
          true,
        ],
      ],
      [
        `freeze ${on} where it is so already`,
        [
          async (s: Subject) => {
            await s.store.freeze(on)
            return () => s.store.freeze(on)
          },
          undefined,
        ],
      ],
    ]),
  ),
  'a release that was decided in an old epoch': [
    async s => {
      const [a] = await s.pair()
      const epoch = await s.epoch()
      return () => a.release([itemOf(A)], { decidedIn: epoch - 1 })
    },
    { status: 'epoch' },
  ],
  'a release that was decided in an epoch to come': [
    async s => {
      const [a] = await s.pair()
      const epoch = await s.epoch()
      return () => a.release([itemOf(A)], { decidedIn: epoch + 1 })
    },
    { status: 'epoch' },
  ],
  'a release while frozen': [
    async s => {
      const [a] = await s.pair()
      await s.store.freeze(true)
      return () => a.release([itemOf(A)])
    },
    { status: 'frozen' },
  ],
  'a release of a member that is down': [
    async s => {
      const [a] = await s.pair()
      await s.expire('a')
      return () => a.release([itemOf(A)])
    },
    { status: 'missing' },
  ],
  'a serve that lands late': [
    async s => {
      const a = await s.member('a', [A])
      const late = a.stamp()
      await a.serve([], [A])
      return () => s.store.serve(late, { added: [A], dropped: [] })
    },
    'stale',
  ],
  'a heartbeat of an older incarnation, whatever it has seen': [
    async s => {
      const a = await s.member('a')
      const seen = (await s.epoch()) + 1e12
      const stamp = { ...a.stamp(), incarnation: a.incarnation - 1 }
      return async () =>
        (await s.store.heartbeat(stamp, { storeId: '', stats: undefined, seen })).epoch === (await s.epoch())
    },
    true,
  ],
}

/** Every stamped write, each as one that would do something to members a and b, which both serve A. */
export const WRITES: Readonly<Record<string, (s: Subject, stamp: Stamp) => Promise<string>>> = {
  heartbeat: async (s, stamp) => (await s.store.heartbeat(stamp, { storeId: 'x', stats: STATS, seen: 0 })).status,
  serve: (s, stamp) => s.store.serve(stamp, { added: [B], dropped: [A] }),
  release: async (s, stamp) =>
    (await s.store.release(stamp, { decidedIn: await s.epoch(), freshMs: FRESH, items: [itemOf(A)] })).status,
  leave: (s, stamp) => s.store.leave(stamp),
}

const WRONG: readonly (readonly [status: string, why: string, (a: Process) => Partial<Stamp>])[] = [
  ['stale', 'with the sequence of the last one', () => ({ sequence: 3 })],
  ['stale', 'with an older sequence', () => ({ sequence: 2 })],
  ['superseded', 'of an older incarnation', a => ({ incarnation: a.incarnation - 1 })],
  ['missing', 'of an incarnation that the store does not know', a => ({ incarnation: a.incarnation + 1 })],
  ['missing', 'of nobody the store knows', () => ({ id: 'nobody', incarnation: 1 })],
]

export const REFUSALS: Cases = Object.fromEntries([
  ...Object.entries(REFUSED).map(([title, [prepare, reply]]) => [
    `${title} writes nothing: ${JSON.stringify(reply)}`,
    async (s: Subject) => s.refused(await prepare(s), reply),
  ]),
  ...Object.entries(WRITES).flatMap(([name, write]) =>
    WRONG.map(([status, why, stampOf]) => [
      `${name} ${why} is ${status} and writes nothing`,
      async (s: Subject) => {
        const [a] = await s.pair()
        await s.refused(() => write(s, { ...a.stamp(), ...stampOf(a) }), status)
      },
    ]),
  ),
])
