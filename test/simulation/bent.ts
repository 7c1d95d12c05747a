/** How the real code is bent from outside. */
import { MemberTable } from 'blockgate/members'
import type { Running } from './running.ts'
import type { Variant } from './world.ts'

/** `target` with some members put aside. A class may keep its state in private fields: its methods are called on itself. */
export function bound<T extends object>(target: T, change: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(change, key)) return change[key as keyof T]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A store with one check taken out. */
export function table(change: (own: MemberTable) => Partial<MemberTable>): NonNullable<Variant['table']> {
  return options => {
    const own = new MemberTable(options)
    return bound(own, change(own))
  }
}

export function late(process: Running['process'], ms: number): Promise<void> {
  return new Promise(resolve => process.setTimer(ms, resolve))
}
