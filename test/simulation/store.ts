/** The member store as one process has it: every step goes over its connection to the shared table. */
import type { MemberStore, MemberTable } from 'blockgate/members'
import type { Connection } from './network.ts'
import type { Running, Server, Watch } from './world.ts'

export interface StoreWorld {
  readonly connection: Connection
  readonly server: Server
  readonly running: Running
  readonly watch: Watch
}

export function simStore({ connection, server, running, watch }: StoreWorld): MemberStore {
  const ask = <T>(name: string, step: (table: MemberTable) => T): Promise<T> =>
    connection.request(name, () => step(server.table))
  return {
    name: 'sim-store',
    shared: true,
    join: request =>
      ask('join', table => {
        const before = table.record().members.get(request.id)?.incarnation ?? 0
        const reply = table.join(request)
        if (reply.status === 'joined') watch.joined(running, reply.incarnation, before)
        return reply
      }),
    beat: (stamp, request) => ask('beat', table => table.beat(stamp, request)),
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
    unplace: (id, changed) => ask('unplace', table => table.unplace(id, changed)),
    forget: (id, changed) => ask('forget', table => table.forget(id, changed)),
    drain: (id, on) => ask('drain', table => table.drain(id, on)),
    freeze: on => ask('freeze', table => table.freeze(on)),
    record: async () => {
      const view = await ask('record', table => table.record())
      watch.delivered(running, view)
      return view
    },
    beats: () => ask('beats', table => table.beats()),
    watch: listener => server.watch(() => connection.hint(listener)),
  }
}
