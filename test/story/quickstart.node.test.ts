import { expect, it } from 'vitest'
import { quickstartObjects as onDisk } from './make-quickstart.mjs'
import { quickstartObjects } from './story.ts'

it('the objects of the story are those of the quickstart: if not, run make-quickstart.mjs', async () => {
  expect(await quickstartObjects()).toEqual(onDisk())
})
