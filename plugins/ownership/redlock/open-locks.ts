/** The locks of one process: its connections to the lock servers, what it knows of its own pauses, and the package over both. */
import type { Host } from 'blockgate'
import { LockServers, requestTimeoutMs } from './clients.ts'
import { RedlockLocks } from './locks.ts'
import type { RedlockOptions } from './options.ts'
import { PauseMargin } from './pause-margin.ts'
import type { OpenLocks } from './slot-leases.ts'

/** Does not wait for lock servers that are away, longer than one request may take. */
export async function openLocks(clients: RedlockOptions['clients'], ttlMs: number, host: Host): Promise<OpenLocks> {
  const servers = await LockServers.open({ clients, host, timeoutMs: requestTimeoutMs(ttlMs) })
  const margin = new PauseMargin(ttlMs)
  const locks = await RedlockLocks.make({ clients: servers.clients, ttlMs, host, pauseMargin: () => margin.ms })
  margin.start(host)
  return {
    acquire: resource => locks.acquire(resource),
    async close() {
      margin.stop()
      await servers.stop()
    },
  }
}
