import { runContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness } from './scan-harness.ts'

const [ID1, ID2] = [testId(1), testId(2)]

describe('a bucket with objects and no block', () => {
  const causeOf = async (h: Harness) => {
    const pages = h.source.pages(runContext())
    for (;;) {
      const step = await pages.next()
      if (step.done) return step.value
    }
  }

  it.each([['recursive'], ['delimited']] as const)('is told with an example and a prefix: %s', async listing => {
    const h = await harness({ listing }, { pageSize: 2 })
    expect(await causeOf(h)).toEqual({ complete: true, cause: undefined })
    await h.put('anonymous/bucket-index.json.gz', 'x')
    await h.put(`team/a/${ID1}/index`, 'x')
    const { cause } = await causeOf(h)
    expect(cause).toMatch(
      listing === 'recursive'
        ? /^2 objects such as "team\/a\/\w+\/index", and no block: .* give it one, such as prefix: "team\/a"$/
        : /^2 keys such as "anonymous\/", and no block: .* prefix: "<folder>"$/,
    )
    await h.put('x', '')
    if (listing === 'recursive') expect((await causeOf(h)).cause).toMatch(/^at least 2 objects such as/)
    await h.block(ID2, null)
    expect(await causeOf(h)).toEqual({ complete: true })
  })
})
