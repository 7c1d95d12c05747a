/** All commands, in the order of the help. */
import type { Command } from './command.ts'
import { check } from './commands/check.ts'
import { coverage } from './commands/coverage.ts'
import { explain } from './commands/explain.ts'
import { inspect } from './commands/inspect.ts'
import { drain, forget, freeze } from './commands/members.ts'
import { query } from './commands/query.ts'
import { ring } from './commands/ring.ts'
import { run } from './commands/run.ts'
import { sync } from './commands/sync.ts'

export const COMMANDS: readonly Command[] = [
  run,
  sync,
  check,
  explain,
  inspect,
  query,
  ring,
  coverage,
  drain,
  freeze,
  forget,
]
