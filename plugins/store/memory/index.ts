/** A member store in this process: for tests, for trying a config, and for several gateways in one process. */
import { BlockgateError, ErrorCode, type Host, pause } from 'blockgate'
import { MemberTable, type SlotStore } from 'blockgate/members'

/**
 * A member store that is gone with the process. Gateways that are given the same object are one cluster. Its clock is that
 * of the host it was started with first.
 *
 * @example const store = memoryStore(); await store.start?.(services); await store.record()
 */
export function memoryStore(): SlotStore {
  const listeners = new Set<() => void>()
  let started: MemberTable | undefined
  let clockOf: Host | undefined
  const table = (): MemberTable => {
    if (!started) throw new BlockgateError(ErrorCode.stageMisuse, 'memoryStore() must be started before it is used')
    return started
  }
  return {
    name: 'memory',
    shared: false,
    async start({ host }) {
      if (started) return
      clockOf = host
      started = new MemberTable({ clock: () => host.now(), storeId: randomId(host) })
      started.onEpoch(() => {
        for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener())
      })
    },
    join: async request => table().join(request),
    heartbeat: async (stamp, request) => table().heartbeat(stamp, request),
    leave: async (stamp, trace) => table().leave(stamp, trace),
    serve: async (stamp, change) => table().serve(stamp, change),
    release: async (stamp, request) => table().release(stamp, request),
    async advertised(id) {
      const copying = table().liveAdvertised(id).copying()
      for (;;) {
        const { done, value } = copying.next()
        if (done) return value
        // Of 200,000 blocks a part has 3,000, which is a quarter of a turn.
        await pause(clockOf, 32)
      }
    },
    expire: async (id, seen, limit, by, trace) => table().expire(id, seen, limit, by, trace),
    evict: async (id, changed, trace) => table().evict(id, changed, trace),
    forget: async (id, changed, trace) => table().forget(id, changed, trace),
    drain: async (id, on, trace) => table().drain(id, on, trace),
    freeze: async (on, trace) => table().freeze(on, trace),
    tellTraces: async traces => table().tellTraces(traces),
    traces: async ids => table().traces(ids),
    publishPlacement: async (stamp, request) => table().publishPlacement(stamp, request),
    entries: async known => table().entries(known),
    heartbeats: async () => table().heartbeats(),
    fence: async () => table().fence(),
    hold: async (stamp, request) => table().hold(stamp, request),
    slots: async known => table().slots(known),
    watch(listener) {
      const own = () => listener()
      listeners.add(own)
      return { [Symbol.dispose]: () => void listeners.delete(own) }
    },
  }
}

function randomId(host: Host): string {
  return `memory-${Math.floor(host.random() * 2 ** 48).toString(16)}`
}
