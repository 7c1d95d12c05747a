import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'

/** Runs `work` as a call of the stage `name`, and tells how long it took, also where it threw. */
export async function timed<T>(
  { host, metrics }: { readonly host: Host; readonly metrics: Metrics | undefined },
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!metrics) return await work()
  const started = host.monotonic()
  try {
    return await work()
  } finally {
    metrics.stage(name, host.monotonic() - started)
  }
}
