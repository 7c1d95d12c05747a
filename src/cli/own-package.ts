/** A config outside of any project, such as a ConfigMap at /etc/blockgate: it finds the package that reads it. */
import module from 'node:module'

const PACKAGE = 'blockgate'
let registered = false

/**
 * From now on what imports `blockgate`, and has none installed beside it, gets the package that runs. With `isModule` the config at
 * `url` is an ES module, as nothing says what it is. Without hooks of the loader, as on Deno, nothing changes.
 */
export function resolveOwnPackage(url: string, isModule: boolean): void {
  if (registered || !('registerHooks' in module)) return
  registered = true
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
