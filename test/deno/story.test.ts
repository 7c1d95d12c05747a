// The story of test/story, as Deno tells it.
import { it } from 'node:test'
import { assertEqual } from 'blockgate/testing'
import { EXPECTED } from '../story/expected.ts'
import { tellStory } from '../story/story.ts'

it('one story has the same outcomes and the same spans on every runtime', async () => {
  assertEqual(await tellStory(), EXPECTED, 'outcomes and spans')
})
