/** Copies that the sink found to be damaged while they were served. Loaded when there is one. */
import type { BlockId } from '../contracts/block.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Engine } from './engine.ts'

/** Drops them, so that the run that begins loads them again. They are withdrawn first, as at every drop; while they cannot be, it waits. */
export async function dropDamaged(
  engine: Engine,
  ids: readonly BlockId[],
  run: string,
  signal: AbortSignal,
): Promise<void> {
  const { plan, host, advertised, catalogue, metrics } = engine
  const { name, stage } = plan.sink
  try {
    await advertised.withdraw(ids, signal)
    for (const id of ids) {
      await stage.drop(id, signal)
      catalogue.settle(id, { kind: 'dropped', by: name, reason: 'damaged' }, run, false)
      metrics?.settled('dropped', 'damaged')
    }
  } catch (error) {
    const fields = { blocks: ids.length, code: codeOf(error), error: rawMessageOf(error) }
    host.log.warn('damaged blocks are not dropped yet, the next run tries again', fields)
  }
}
