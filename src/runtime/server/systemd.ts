/** Tells systemd how the service is (sd_notify), where it is a unit of Type=notify. */
import { execFile } from 'node:child_process'
import { rawMessageOf } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/host.ts'

/**
 * Node has no datagram sockets of a file system, so `systemd-notify` sends `state`, and the unit needs NotifyAccess=all. Without
 * `NOTIFY_SOCKET` in the environment, and on Deno, nothing is done.
 */
export function notifySystemd(
  state: 'READY=1' | 'STOPPING=1',
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): void {
  // Deno asks for the right to each variable, and to each program.
  if ('Deno' in globalThis || env.NOTIFY_SOCKET === undefined) return
  execFile('systemd-notify', [state], { env, timeout: 5_000 }, error => {
    if (error) log.warn('systemd was not told', { state, error: rawMessageOf(error) })
  })
}
