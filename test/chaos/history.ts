/** What gateways know of a block, for a story. */

/** A line for each port; one for a gateway that does not answer, too. */
export async function historyOf(block: string, ports: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const told = async ([id, port]: readonly [string, number]) => {
    try {
      const url = `http://127.0.0.1:${port}/api/v1/blocks/${block}`
      const answer = await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).json()
      const { state, reason, owners, history } = answer as Readonly<Record<string, unknown>>
      return `${id}: ${JSON.stringify({ state, reason, owners, history })}`
    } catch (error) {
      return `${id}: ${error}`
    }
  }
  return await Promise.all([...ports].map(told))
}
