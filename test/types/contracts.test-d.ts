/** What the compiler must refuse. Each `@ts-expect-error` is a compile error when the line under it is accepted. */
import { type BlockStage, type ConfigInput, defineConfig, type OwnershipPlugin, owned, skip } from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export const forgottenReturn: BlockStage = {
  kind: 'block',
  name: 'x',
  // @ts-expect-error a stage must return an outcome
  async handle(_, next) {
    await next()
  },
}

export const forged: BlockStage = {
  kind: 'block',
  name: 'x',
  // @ts-expect-error only next() makes an outcome
  async handle() {
    return { kind: 'added' }
  },
}

export const misspelt: BlockStage = {
  kind: 'block',
  name: 'x',
  async handle() {
    // @ts-expect-error there is no such option
    return skip('a', { retian: true })
  },
}

// @ts-expect-error a pipeline ends in a sink
export const noSink: unknown = defineConfig({ pipeline: [scanBucket(), owned(() => true)] })

// @ts-expect-error a pipeline begins with a source
export const noSource: unknown = defineConfig({ pipeline: [owned(() => true), memory()] })

// @ts-expect-error an unknown option, in the object form
export const typo: unknown = defineConfig({ pipeline: [scanBucket(), memory()], evry: '3m' })

export const halfPlugin: OwnershipPlugin = {
  name: 'x',
  exclusive: false,
  epoch: () => 0,
  // @ts-expect-error a grant carries a lease
  claim: async () => ({ status: 'granted', epoch: 0 }),
}

/** A config function gets the environment it names, and a spread may leave stages out. */
const strict = false as boolean
export const config: ConfigInput<{ readonly SHARD: string }> = defineConfig<{ readonly SHARD: string }>(({ env }) => ({
  pipeline: [scanBucket(), ...(strict ? [owned(block => block.ulid.endsWith(env.SHARD))] : []), memory()],
  instance: { id: env.SHARD, zone: undefined },
}))
