import { FAILURES, PLANNED, PUBLISHED, SLOTS } from '../model/clean.ts'
import { holds } from '../model/holds.ts'

holds([...PLANNED, ...FAILURES, ...SLOTS, ...PUBLISHED])
