/** What a Redis has done so far, by its own count, and what it did between two looks. */
import type { RedisServer } from '../../test/support/redis.ts'

export interface Usage {
  /** Scripts that clients asked for: all that the store and the locks do at rest is one. */
  readonly requests: number
  /** With what the scripts did inside. */
  readonly commands: number
  /** Reads of its sockets: at least one for each packet, one for each 16 KiB of it. */
  readonly reads: number
  readonly bytesOut: number
  readonly cpuMs: number
}

export async function usageOf(redis: RedisServer): Promise<Usage> {
  const info = String(await redis.command('INFO', 'everything'))
  const number = (pattern: RegExp) => Number(pattern.exec(info)?.[1] ?? 0)
  const seconds = number(/^used_cpu_sys:([\d.]+)/m) + number(/^used_cpu_user:([\d.]+)/m)
  return {
    requests: number(/^cmdstat_evalsha:calls=(\d+)/m) + number(/^cmdstat_eval:calls=(\d+)/m),
    commands: number(/^total_commands_processed:(\d+)/m),
    reads: number(/^total_reads_processed:(\d+)/m),
    bytesOut: number(/^total_net_output_bytes:(\d+)/m),
    cpuMs: seconds * 1000,
  }
}

/** Less the one command that asked for `after`. */
export function between(before: Usage, after: Usage): Usage {
  return {
    requests: after.requests - before.requests,
    commands: after.commands - before.commands - 1,
    reads: after.reads - before.reads - 1,
    bytesOut: after.bytesOut - before.bytesOut,
    cpuMs: after.cpuMs - before.cpuMs,
  }
}
