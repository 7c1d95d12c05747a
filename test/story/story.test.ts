// Runs on Node and in workerd; test/deno/story.test.ts tells the same story under Deno.
import { expect, it } from 'vitest'
import { EXPECTED } from './expected.ts'
import { tellStory } from './story.ts'

it('one story has the same outcomes and the same spans on every runtime', async () => {
  expect(await tellStory()).toEqual(EXPECTED)
})
