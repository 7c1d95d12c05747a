/** What a config file says. */
import type { Duration } from './async/duration.ts'
import type { Bucket } from './host.ts'
import type { Pipeline } from './stage.ts'

export interface Config {
  readonly pipeline: Pipeline
  readonly bucket?: Bucket | undefined
  readonly instance?: { readonly id?: string | undefined; readonly zone?: string | undefined } | undefined
  /** How often a run begins. Default '3m'. */
  readonly every?: Duration | undefined
  /** Blocks on their way through the stages at once. Default 32. */
  readonly concurrency?: number | undefined
  /** One block through all its stages. Default '10m'. */
  readonly blockTimeout?: Duration | undefined
  /** Adds in flight at stop. Default '30s'. */
  readonly stopGrace?: Duration | undefined
  /** Root of services.files and services.state on Node and Deno. Default './data'. */
  readonly dir?: string | undefined
}

export type ConfigInput<E> = Config | ((host: { readonly env: E }) => Config | Promise<Config>)

/** Types a config; gives it back as it is. @example export default defineConfig(({ env }) => ({ pipeline: [ … ] })) */
export function defineConfig<E = Readonly<Record<string, string | undefined>>>(config: ConfigInput<E>): ConfigInput<E> {
  return config
}
