/**
 * `target` with some members put aside. A class may keep its state in private fields: its methods are called on
 * itself.
 */
export function bound<T extends object>(target: T, change: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(change, key)) return change[key as keyof T]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
