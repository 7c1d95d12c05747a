/** The rules of slots, each left out; see broken.ts. What the guard and the fences are not needed for is in docs/protocol.md. */
import type { Broken } from './broken.ts'
import { slotted } from './clean-slots.ts'

export const BROKEN_SLOTS: readonly Broken[] = [
  {
    variant: 'no guard',
    config: slotted(2, 1, { seize: 2 }),
    story: [
      'B joins',
      "B takes A's seat of b1",
      'A observes',
      'B observes',
      "A takes B's seat of b1",
      'B loads b1',
      'B tells all its claims',
      'B beats',
      'A releases b1',
    ],
    broken: 'the release asked others than the owners',
  },
  {
    variant: 'the guard is of the child',
    config: slotted(2, 1, { seize: 1, compaction: 1 }),
    story: [
      'B joins',
      'A takes a free seat of b2',
      'A observes',
      "B takes A's seat of b2",
      'b1 is compacted into b2',
      'A lists b2',
      'A loads b2',
      'A publishes',
      'A releases b1',
    ],
    broken: 'the release asked others than the owners',
  },
  {
    variant: 'the slot is compared, the epoch is not',
    config: slotted(3, 2, { drain: 1 }),
    story: ['A is drained', 'A observes', 'C joins', 'A releases b1'],
    broken: '1 copy of b1, not 2',
  },
  {
    variant: 'an incomplete slot counts as complete',
    config: slotted(2, 2, { give: 1 }),
    story: ['A gives up its seat of b1', 'A observes', 'A releases b1'],
    broken: '1 copy of b1, not 2',
  },
  {
    variant: 'an empty slot lets go',
    config: slotted(1, 1, { give: 1 }),
    story: ['A gives up its seat of b1', 'A observes', 'A releases b1'],
    broken: 'nobody serves b1',
  },
  {
    variant: 'two seats of one member count as two',
    config: slotted(2, 2, { seize: 1 }),
    story: ["A takes B's seat of b1", 'B observes', 'B releases b1'],
    broken: '1 copy of b1, not 2',
  },
  {
    variant: 'drop on losing the slot',
    config: slotted(2, 1, { seize: 1 }),
    story: ['B joins', "B takes A's seat of b1", 'A observes', 'A drops b1'],
    broken: 'nobody serves b1',
  },
]
