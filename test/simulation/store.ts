/** The member store as one process has it: every step goes over its connection to the shared table. */
import type { EntriesView, MemberTable, SlotMark, SlotStore, SlotView } from 'blockgate/members'
import { slotsAfter } from '../support/slot-views.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './network.ts'
import type { Running } from './running.ts'

const NO_SLOTS: SlotView = { version: 0, mark: '', whole: true, slots: [], broken: 0 }

export function simStore(connection: Connection, { server, watch, options }: Cluster, running: Running): SlotStore {
  const ask = <T>(name: string, step: (table: MemberTable) => T): Promise<T> =>
    connection.request(name, () => step(server.table))
  let record: EntriesView | undefined
  let slots = NO_SLOTS
  /** What the process may go on from, by mark. */
  const views = new Map<SlotMark, SlotView>()
  return {
    name: 'sim-store',
    shared: true,
    join: request =>
      ask('join', table => {
        const before = table.entries().members.get(request.id)?.incarnation ?? 0
        const reply = table.join(request)
        if (reply.status === 'joined') watch.joined(running, reply.incarnation, before)
        return reply
      }),
    serve: (stamp, change) =>
      ask('serve', table => {
        const status = table.serve(stamp, change)
        if (status === 'ok') for (const id of change.added) running.released.delete(id)
        return status
      }),
    release: (stamp, request) =>
      ask('release', table => {
        const reply = table.release(stamp, request)
        if (reply.status === 'ok') watch.released(running, request, reply.released)
        return reply
      }),
    entries: async known => {
      record = await ask('entries', table => table.entries(known))
      // Where slots are read, a look ends with them.
      if (!options.leases) watch.delivered(running, { record, slots })
      return record
    },
    slots: async since => {
      const { view, all } = await ask('slots', table => ({ view: table.slots(since), all: table.slots(undefined) }))
      const known = since === undefined ? undefined : views.get(since)
      slots = slotsAfter(known, view)
      views.clear()
      if (since !== undefined && known) views.set(since, known)
      views.set(slots.mark, slots)
      watch.told(running, slots, all ?? NO_SLOTS)
      if (record) watch.delivered(running, { record, slots })
      return view
    },
    hold: (stamp, request) => {
      const { read } = running
      const asked = connection.now
      const step = () => {
        const { table } = server
        const { slots } = table.slots(undefined) ?? NO_SLOTS
        const reply = table.hold(stamp, request)
        for (const { slot, rank } of reply.status === 'ok' ? reply.recorded : []) {
          const before = slots.find(entry => entry.slot === slot && entry.rank === rank)
          watch.held(running, { request: { ...request, slot, rank }, before, asked, read })
        }
        return reply
      }
      return connection.request('hold', step, request.give ? undefined : watch.holding(running))
    },
    heartbeat: (...args) => ask('heartbeat', table => table.heartbeat(...args)),
    publishPlacement: (...args) => ask('placement', table => table.publishPlacement(...args)),
    leave: (...args) => ask('leave', table => table.leave(...args)),
    advertised: (...args) => ask('advertised', table => table.advertised(...args)),
    expire: (...args) => ask('expire', table => table.expire(...args)),
    evict: (...args) => ask('evict', table => table.evict(...args)),
    forget: (...args) => ask('forget', table => table.forget(...args)),
    drain: (...args) => ask('drain', table => table.drain(...args)),
    freeze: (...args) => ask('freeze', table => table.freeze(...args)),
    heartbeats: () => ask('heartbeats', table => table.heartbeats()),
    fence: () => ask('fence', table => table.fence()),
    watch: listener => server.watch(() => connection.hint(listener)),
  }
}
