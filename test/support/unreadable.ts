/**
 * Folders that cannot be read, also where the tests run as root, whom permissions do not hold. To use it:
 *   vi.mock('node:fs/promises', async original => (await import('…/unreadable.ts')).withUnreadable(original))
 *   vi.mock('node:fs', async original => (await import('…/unreadable.ts')).withUnreadableSync(original))
 */
interface Rule {
  /** What the file system says. */
  readonly code: string
  /** Its names can be listed all the same, as those of a folder with mode 0744. */
  readonly names: boolean
}

const rules = new Map<string, Rule>()

/** From now on the folder `path` and what is below it cannot be read. */
export function makeUnreadable(path: string, { code = 'EACCES', names = false }: Partial<Rule> = {}): void {
  rules.set(path, { code, names })
}

export function makeReadable(): void {
  rules.clear()
}

const GUARDED = ['readdir', 'lstat', 'realpath', 'open'] as const

type Calls = Readonly<Record<string, (...args: unknown[]) => unknown>>

export async function withUnreadable(original: () => Promise<unknown>): Promise<object> {
  const real = (await original()) as Calls
  const guarded = GUARDED.map(name => [
    name,
    async (path: unknown, ...rest: unknown[]) => {
      assertReadable(name, path)
      return await real[name]?.(path, ...rest)
    },
  ])
  return { ...real, ...Object.fromEntries(guarded) }
}

export async function withUnreadableSync(original: () => Promise<unknown>): Promise<object> {
  const real = (await original()) as Calls
  const guarded = (['readdir', 'lstat'] as const).map(name => [
    `${name}Sync`,
    (path: unknown, ...rest: unknown[]) => {
      assertReadable(name, path)
      return real[`${name}Sync`]?.(path, ...rest)
    },
  ])
  return { ...real, ...Object.fromEntries(guarded) }
}

function assertReadable(name: (typeof GUARDED)[number], path: unknown): void {
  for (const [folder, { code, names }] of rules) {
    const denied = path === folder ? name === 'readdir' && !names : String(path).startsWith(`${folder}/`)
    if (denied) throw Object.assign(new Error(`${code}: ${name} '${path}'`), { code })
  }
}
