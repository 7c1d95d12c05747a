/** What a member advertises is read in parts. */
import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { keysOf } from '../../../../plugins/store/redis/keys.ts'
import { type Call, redisSteps } from '../../../../plugins/store/redis/steps.ts'

const nothing = async () => undefined
const PARTS: Readonly<Record<string, unknown>> = {
  '0': ['7', [testId(1), 'no block']],
  '7': ['0', [testId(2)]],
}

it('all parts are read, from the cursor that the one before gave', async () => {
  const asked: string[][] = []
  const call: Call = async (command, ...args) => {
    asked.push([command, ...args])
    return PARTS[args[1] ?? '']
  }
  const { advertised } = redisSteps(nothing, call, keysOf('test'), () => undefined)
  expect([...(await advertised('a'))]).toEqual([testId(1), testId(2)])
  expect(asked.map(([command, , cursor]) => [command, cursor])).toEqual([
    ['SSCAN', '0'],
    ['SSCAN', '7'],
  ])
})

it('a part from another connection may be of another server: it is unknown what the member advertises', async () => {
  let connections = 0
  const call: Call = async (_, __, cursor) => {
    connections++
    return PARTS[cursor ?? '']
  }
  const { advertised } = redisSteps(
    nothing,
    call,
    keysOf('test'),
    () => undefined,
    () => connections,
  )
  await expect(advertised('a')).rejects.toMatchObject({ code: 'ownership-unavailable' })
})
