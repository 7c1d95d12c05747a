/** What a gateway answers over HTTP when it is asked once. */

const COUNTERS = {
  wastedBytes: /^blockgate_wasted_bytes_total(?:\{[^}]*\})? (\S+)$/,
  reoffered: /^blockgate_blocks_reoffered_total(?:\{[^}]*\})? (\S+)$/,
  skipped: /^blockgate_blocks_skipped_total\{[^}]*stage="owned"[^}]*\} (\S+)$/,
} as const

/** Summed over all processes there were: each is read for the last time before it ends. */
export type Counts = Record<keyof typeof COUNTERS, number>

export function noCounts(): Counts {
  return { wastedBytes: 0, reoffered: 0, skipped: 0 }
}

/** Adds what the process at `port` has counted since its start. */
export async function addCounts(counts: Counts, port: number): Promise<void> {
  for (const line of (await (await ask(port, '/metrics', 10_000)).text()).split('\n')) {
    for (const name of Object.keys(COUNTERS) as (keyof Counts)[]) {
      counts[name] += Number(COUNTERS[name].exec(line)?.[1] ?? 0)
    }
  }
}

/** What gateways know of a block, for a story: a line for each port; also for a gateway that does not answer. */
export function historyOf(block: string, ports: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const told = async ([id, port]: readonly [string, number]) => {
    try {
      const answer = await (await ask(port, `/api/v1/blocks/${block}`, 5_000)).json()
      const { state, reason, owners, history } = answer as Readonly<Record<string, unknown>>
      return `${id}: ${JSON.stringify({ state, reason, owners, history })}`
    } catch (error) {
      return `${id}: ${error}`
    }
  }
  return Promise.all([...ports].map(told))
}

function ask(port: number, path: string, timeoutMs: number): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(timeoutMs) })
}
