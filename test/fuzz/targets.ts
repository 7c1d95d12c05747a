/** All that damaged bytes are given to. */
import type { Snappy } from '../../src/query/remote-read/request.ts'
import type { Target } from './outcome.ts'
import { blockTargets } from './targets/blocks.ts'
import { cacheTargets } from './targets/caches.ts'
import { documentTargets } from './targets/documents.ts'
import { requestTargets } from './targets/requests.ts'
import type { World } from './worlds.ts'

export function targets(worlds: readonly World[], snappy: Snappy): readonly Target[] {
  return [
    ...blockTargets(worlds),
    ...documentTargets(worlds),
    ...requestTargets(worlds, snappy),
    ...cacheTargets(worlds),
  ]
}
