import { FAILURES, PLANNED, PUBLISHED, SLOTS } from './clean.ts'
import { holds } from './holds.ts'

/** Cases of so many states take some seconds together; `npm run proofs` has them all. */
const SMALL = 12_000
holds([...PLANNED, ...FAILURES, ...SLOTS, ...PUBLISHED].filter(([, states]) => states <= SMALL))
