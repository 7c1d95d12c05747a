import { describe, expect, it } from 'vitest'
import { importsOf, orderOf, picture } from '../../scripts/folder-order.mjs'

const graph = (...files: (readonly [path: string, text: string])[]) => importsOf(files)

describe('the order of folders', () => {
  it('is that of what they import, types included', () => {
    const imports = graph(
      ['src/sync/run.ts', "import type { Plan } from '../pipeline/plan.ts'\nimport { x } from './view.ts'"],
      ['src/pipeline/plan.ts', "export { type Block } from '../contracts/block.ts'"],
      ['src/gateway.ts', "const late = () => import('./sync/run.ts')"],
      ['src/contracts/block.ts', ''],
    )
    expect(orderOf(imports)).toEqual(['contracts', 'pipeline', 'sync', 'gateway'])
  })

  it('is refused with the imports of a circle', () => {
    const imports = graph(
      ['src/a/one.ts', "import { two } from '../b/two.ts'"],
      ['src/b/two.ts', "import { three } from '../c/three.ts'"],
      ['src/c/three.ts', "import type { One } from '../a/one.ts'"],
    )
    expect(() => orderOf(imports)).toThrow(
      'folders must import one way only:\n  src/a/one.ts imports src/b/two.ts\n  src/b/two.ts imports src/c/three.ts\n  src/c/three.ts imports src/a/one.ts',
    )
  })

  it('is drawn without the arrows that follow from others', () => {
    const imports = graph(
      ['src/a/one.ts', "import '../b/two.ts'\nimport '../c/three.ts'"],
      ['src/b/two.ts', "import '../c/three.ts'"],
    )
    expect(picture(imports, orderOf(imports))).toBe('```mermaid\nflowchart TD\n  a --> b\n  b --> c\n```')
  })
})
