/** What the gateways counted, summed over all processes there were: each is read for the last time before it ends. */

const WANTED = {
  aborted: /^blockgate_adds_aborted_total(?:\{[^}]*\})? (\S+)$/,
  wastedBytes: /^blockgate_wasted_bytes_total(?:\{[^}]*\})? (\S+)$/,
  reoffered: /^blockgate_blocks_reoffered_total(?:\{[^}]*\})? (\S+)$/,
  skipped: /^blockgate_blocks_skipped_total\{[^}]*stage="owned"[^}]*\} (\S+)$/,
  dropped: /^blockgate_blocks_dropped_total(?:\{[^}]*\})? (\S+)$/,
  storeErrors: /^blockgate_member_store_errors_total(?:\{[^}]*\})? (\S+)$/,
  expiriesRefused: /^blockgate_member_expiries_refused_total(?:\{[^}]*\})? (\S+)$/,
} as const

export type Counts = Record<keyof typeof WANTED, number>

export function noCounts(): Counts {
  return { aborted: 0, wastedBytes: 0, reoffered: 0, skipped: 0, dropped: 0, storeErrors: 0, expiriesRefused: 0 }
}

/** Adds what the process at `port` has counted since its start. */
export async function addCounts(counts: Counts, port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(10_000) })
  for (const line of (await response.text()).split('\n')) {
    for (const [name, pattern] of Object.entries(WANTED)) {
      const value = pattern.exec(line)?.[1]
      if (value !== undefined) counts[name as keyof Counts] += Number(value)
    }
  }
}
