/** Whether a value fits a JSON schema, for the words that our schemas use. Any other word is an error, so none goes unchecked. */

export type Schema = Readonly<Record<string, unknown>>
type Check = (value: unknown, wanted: never, schema: Schema, inner: Inner) => boolean | string[]
/** What does not fit at this place below. */
type Inner = (value: unknown, schema: Schema, at?: string) => string[]

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: value => value === null,
  array: Array.isArray,
  integer: Number.isInteger,
  object: value => typeof value === 'object' && value !== null && !Array.isArray(value),
}

const CHECKS: Readonly<Record<string, Check>> = {
  type: (value, type: string) => TYPES[type]?.(value) ?? typeof value === type,
  enum: (value, all: readonly unknown[]) => all.includes(value),
  const: (value, one: unknown) => value === one,
  pattern: (value, text: string) => typeof value !== 'string' || new RegExp(text).test(value),
  minLength: (value, least: number) => typeof value !== 'string' || value.length >= least,
  minimum: (value, least: number) => typeof value !== 'number' || value >= least,
  anyOf: (value, schemas: readonly Schema[], _, inner) => schemas.some(schema => inner(value, schema).length === 0),
  items: (value, schema: Schema, _, inner) => [value].flat().flatMap((item, i) => inner(item, schema, `[${i}]`)),
  required: (value, names: readonly string[]) => names.every(name => name in (value as object)),
  properties: (value, schemas: Readonly<Record<string, Schema>>, _, inner) =>
    Object.entries(value as object).flatMap(([name, one]) =>
      schemas[name] ? inner(one, schemas[name], `.${name}`) : [],
    ),
  additionalProperties: (value, schema: Schema | false, { properties = {} }, inner) => {
    const others = Object.entries(value as object).filter(([name]) => !(name in (properties as object)))
    return schema ? others.flatMap(([name, one]) => inner(one, schema, `.${name}`)) : others.length === 0
  },
  description: () => true,
}

/** What does not fit, each with its place; empty where all does. `root` is the document that `$ref`s point into. */
export function misfits(value: unknown, schema: Schema, root: Schema, at = '$'): string[] {
  const { $ref: ref, ...words } = schema
  if (typeof ref === 'string') {
    const target = ref
      .split('/')
      .slice(1)
      .reduce<unknown>((inner, part) => (inner as Schema)[part], root)
    return misfits(value, target as Schema, root, at)
  }
  // What is of another type has nothing else to fit.
  if (words.type !== undefined && !CHECKS.type?.(value, words.type as never, schema, () => [])) {
    return [`${at}: must be of type ${words.type}: current value is ${JSON.stringify(value)}`]
  }
  return Object.entries(words).flatMap(([word, wanted]) => {
    const check = CHECKS[word]
    if (!check) throw new Error(`the schema word ${word} is not checked`)
    const found = check(value, wanted as never, schema, (inner, of, below = '') => misfits(inner, of, root, at + below))
    if (typeof found !== 'boolean') return found
    return found ? [] : [`${at}: must fit ${word} ${JSON.stringify(wanted)}: current value is ${JSON.stringify(value)}`]
  })
}
