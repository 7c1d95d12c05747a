/** How the parts of a gateway are. */

/**
 *   new → starting → running → stopping → stopped → starting …
 *                  ↘ failed ↗
 */
export type ComponentState = 'new' | 'starting' | 'running' | 'failed' | 'stopping' | 'stopped'

export interface Health {
  readonly name: string
  readonly state: ComponentState
  /** What `start` or `stop` threw. */
  readonly error?: string
}
