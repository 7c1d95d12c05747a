/** A config outside of any project, such as a ConfigMap at /etc/blockgate: it finds the package that reads it. */
import module from 'node:module'

const PACKAGE = 'blockgate'
let registered = false

/**
 * From now on what imports `blockgate`, and has none installed beside it, gets the package that runs. The config at `url` is an ES
 * module unless `isTyped` says that its name or its package tells what it is. On Deno, and without hooks of the loader, nothing changes.
 */
export function resolveOwnPackage(url: string, isTyped: () => boolean): void {
  if (registered || 'Deno' in globalThis || !('registerHooks' in module)) return
  registered = true
  const isModule = !isTyped()
  const isOurs = (specifier: string) => specifier === PACKAGE || specifier.startsWith(`${PACKAGE}/`)
  module.registerHooks({
    resolve(specifier, context, next) {
      if (isModule && specifier === url) {
        const found = next(specifier, context)
        return { ...found, format: found.url.endsWith('ts') ? 'module-typescript' : 'module' }
      }
      try {
        return next(specifier, context)
      } catch (error) {
        if (!isOurs(specifier) || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}
