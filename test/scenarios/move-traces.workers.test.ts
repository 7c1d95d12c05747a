// The npm package that leases stand on needs Node: in workerd the rings alone.
import { RINGS } from '../support/ownerships.ts'
import { moveTraces } from './move-traces.ts'

for (const ownership of RINGS) moveTraces(ownership)
