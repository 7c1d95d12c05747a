import { FAILURES } from './clean.ts'
import { holds } from './holds.ts'

holds('Under failures', FAILURES)
