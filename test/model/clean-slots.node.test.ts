import { SLOTS } from './clean.ts'
import { holds } from './holds.ts'

holds('With locks that exclude nobody', SLOTS)
