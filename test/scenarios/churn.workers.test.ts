// The npm package that leases stand on needs Node: in workerd the rings alone.
import { RINGS } from '../support/ownerships.ts'
import { churnStories } from './churn-stories.ts'

for (const ownership of RINGS) churnStories(ownership)
