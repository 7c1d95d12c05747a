import { OWNERSHIPS } from '../support/leases.ts'
import { churnStories } from './churn-stories.ts'

for (const ownership of OWNERSHIPS) churnStories(ownership)
