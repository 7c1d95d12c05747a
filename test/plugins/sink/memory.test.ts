import { held } from 'blockgate'
import { blockContext, candidate, testId, testSink } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { memory } from '../../../plugins/sink/memory/index.ts'

testSink({ describe, it }, { name: 'memory', factory: () => memory() })

describe('memory', () => {
  it('counts the sizes of the files as bytes', async () => {
    const sink = memory()
    const files = [
      { path: 'index', size: 7 },
      { path: 'chunks/000001', size: 35 },
    ]
    const prepared = await sink.prepare(blockContext(candidate({ files })))
    expect(prepared.bytes).toBe(42)
  })

  it('keeps the copy with the higher fence', async () => {
    const sink = memory()
    const newer = await sink.prepare(blockContext(candidate(), { lease: { ...held, fence: 9 } }))
    const older = await sink.prepare(blockContext(candidate(), { lease: { ...held, fence: 8 } }))
    await newer.commit()
    await expect(older.commit()).rejects.toMatchObject({ code: 'stale-fence' })
    expect(sink.loaded().get(testId(1))?.fence).toBe(9)
  })
})
