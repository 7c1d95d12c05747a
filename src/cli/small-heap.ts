/**
 * How large V8's young generation becomes. By default its two halves grow to 16 MiB or more each, whatever is left of the memory, and a sync,
 * which leaves much garbage a block, fills them: 244 MiB at most for 5,000 blocks, where 154 will do with halves of 8 MiB. That limit is
 * read once, when V8 starts; so the process begins anew, as itself, before it has loaded anything. The limit of the whole heap is V8's own: it
 * takes that of the container.
 */

const FLAG = '--max-semi-space-size'
const MIB = 8
/** The commands that load blocks. */
const COMMANDS: ReadonlySet<string> = new Set(['run', 'sync'])

/** What is looked at of a process. */
export interface Self {
  readonly execPath: string
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** True where it has a channel to the process that started it: that would be lost. */
  readonly connected?: boolean | undefined
}

/** The arguments to begin anew with; undefined where that is not needed, or somebody has chosen a size. */
export function argumentsAnew({ execPath, execArgv, argv, env, connected = false }: Self): string[] | undefined {
  if (!COMMANDS.has(argv[2] ?? '') || connected) return undefined
  const isChosen = [...execArgv, env.NODE_OPTIONS ?? ''].some(text => text.replaceAll('_', '-').includes(FLAG))
  return isChosen ? undefined : [execPath, `${FLAG}=${MIB}`, ...execArgv, ...argv.slice(1)]
}

/** Does not return where the process begins anew. Where the system cannot, or does not let it, all goes on as it is. */
export function withSmallHeap(self: NodeJS.Process): void {
  const args = argumentsAnew(self)
  if (!args || typeof self.execve !== 'function' || self.platform === 'win32') return
  try {
    self.execve(self.execPath, args, self.env)
  } catch {
    // It costs memory, and nothing else.
  }
}
