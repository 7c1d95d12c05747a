/**
 * The active span across `await`, on AsyncLocalStorage. The official `@opentelemetry/context-async-hooks` also imports
 * `events`, which workerd has only behind `nodejs_compat`; this one needs no more than the flag `nodejs_als`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'

/** `bind` binds functions; it returns any other target as it is. */
export class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    // A function more for each span is felt.
    if (thisArg === undefined) return this.#storage.run(context, fn, ...args)
    return this.#storage.run(context, () => fn.apply(thisArg, args))
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target
    const storage = this.#storage
    return new Proxy(target, {
      apply: (fn, thisArg, args) => storage.run(context, () => Reflect.apply(fn, thisArg, args)),
    })
  }

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}
