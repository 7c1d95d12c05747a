import { PLANNED } from './clean.ts'
import { holds } from './holds.ts'

holds('In planned changes', PLANNED)
