/** The member store as one process has it: every step goes over its connection to the shared table. */
import type { EntriesView, MemberTable, SlotStore, SlotView } from 'blockgate/members'
import type { Connection } from './network.ts'
import type { Running, Server, Watch } from './world.ts'

export interface StoreWorld {
  readonly connection: Connection
  readonly server: Server
  readonly running: Running
  readonly watch: Watch
  /** A look ends with the slots, not with the record. */
  readonly readsSlots: boolean
}

const NO_SLOTS: SlotView = { version: 0, slots: [], broken: 0 }

export function simStore({ connection, server, running, watch, readsSlots }: StoreWorld): SlotStore {
  const ask = <T>(name: string, step: (table: MemberTable) => T): Promise<T> =>
    connection.request(name, () => step(server.table))
  let record: EntriesView | undefined
  let slots = NO_SLOTS
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
    heartbeat: (stamp, request) => ask('heartbeat', table => table.heartbeat(stamp, request)),
    leave: stamp => ask('leave', table => table.leave(stamp)),
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
    claims: id => ask('claims', table => table.claims(id)),
    expire: (id, seen, limit, by) => ask('expire', table => table.expire(id, seen, limit, by)),
    evict: (id, changed) => ask('evict', table => table.evict(id, changed)),
    forget: (id, changed) => ask('forget', table => table.forget(id, changed)),
    drain: (id, on) => ask('drain', table => table.drain(id, on)),
    freeze: on => ask('freeze', table => table.freeze(on)),
    entries: async () => {
      record = await ask('entries', table => table.entries())
      if (!readsSlots) watch.delivered(running, { record, slots })
      return record
    },
    heartbeats: () => ask('heartbeats', table => table.heartbeats()),
    fence: () => ask('fence', table => table.fence()),
    hold: (stamp, request) => {
      const { read } = running
      const asked = connection.now
      const step = () => {
        const { table } = server
        const { slots } = table.slots(undefined) ?? NO_SLOTS
        const before = slots.find(({ slot, rank }) => slot === request.slot && rank === request.rank)
        const status = table.hold(stamp, request)
        if (status === 'ok') watch.held(running, { request, before, asked, read })
        return status
      }
      return connection.request('hold', step, request.give ? undefined : watch.holding(running))
    },
    slots: async known => {
      const view = await ask('slots', table => table.slots(known))
      slots = view ?? slots
      if (record) watch.delivered(running, { record, slots })
      return view
    },
    watch: listener => server.watch(() => connection.hint(listener)),
  }
}
