import { OWNERSHIPS } from '../support/leases.ts'
import { moveTraces } from './move-traces.ts'

for (const ownership of OWNERSHIPS) moveTraces(ownership)
