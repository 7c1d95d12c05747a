/** What a gateway process of the chaos tells, as lines of JSON on its standard output. */

export type GatewayEvent =
  /** It has read the member record of this epoch, at this time of the wall clock. */
  | { readonly event: 'epoch'; readonly epoch: number; readonly at: number }
  /** An add was begun: by a target owner of the block, or not, by the answers of the plugin at this version. */
  | { readonly event: 'add'; readonly block: string; readonly owner: boolean; readonly epoch: number }

/** Undefined for a line that is none. */
export function eventOf(line: string): GatewayEvent | undefined {
  if (!line.startsWith('{"event":')) return undefined
  return JSON.parse(line) as GatewayEvent
}
