/** Whether a value fits a JSON schema, for the words that our schemas use; any other word is an error, so none goes unchecked. */

export type Schema = Readonly<Record<string, unknown>>

const CHECKED = new Set([
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'enum',
  'const',
  'anyOf',
  '$ref',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
])
const NOTES = new Set(['description', 'default'])

/** What does not fit, each with its place; empty where all does. `root` is the document that `$ref`s point into. */
export function misfits(value: unknown, schema: Schema, root: Schema, at = '$'): string[] {
  for (const word of Object.keys(schema)) {
    if (!CHECKED.has(word) && !NOTES.has(word)) throw new Error(`the schema word ${word} is not checked`)
  }
  const found: string[] = []
  const must = (fits: boolean, what: string) => {
    if (!fits) found.push(`${at}: must ${what}: current value is ${JSON.stringify(value)}`)
  }
  if (typeof schema.$ref === 'string') return misfits(value, resolve(root, schema.$ref), root, at)
  if (Array.isArray(schema.anyOf)) {
    const tries = schema.anyOf.map((one: Schema) => misfits(value, one, root, at))
    if (!tries.some(misfit => misfit.length === 0)) found.push(...tries.flat())
  }
  if (schema.type !== undefined) must(isOf(value, schema.type), `be of type ${schema.type}`)
  if (Array.isArray(schema.enum)) must(schema.enum.includes(value), `be one of ${schema.enum.join(', ')}`)
  if ('const' in schema) must(value === schema.const, `be ${schema.const}`)
  if (typeof value === 'string') {
    if (typeof schema.pattern === 'string') must(new RegExp(schema.pattern).test(value), `match ${schema.pattern}`)
    if (typeof schema.minLength === 'number') must(value.length >= schema.minLength, 'not be shorter')
    if (typeof schema.maxLength === 'number') must(value.length <= schema.maxLength, 'not be longer')
  }
  if (typeof value === 'number') {
    if (typeof schema.minimum === 'number') must(value >= schema.minimum, `be >= ${schema.minimum}`)
    if (typeof schema.maximum === 'number') must(value <= schema.maximum, `be <= ${schema.maximum}`)
  }
  if (Array.isArray(value) && schema.items) {
    for (const [i, item] of value.entries()) found.push(...misfits(item, schema.items as Schema, root, `${at}[${i}]`))
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>
    for (const name of (schema.required ?? []) as string[]) must(name in value, `have ${name}`)
    for (const [name, inner] of Object.entries(value)) {
      const own = properties[name]
      if (own) found.push(...misfits(inner, own, root, `${at}.${name}`))
      else if (schema.additionalProperties === false) must(false, `not have ${name}`)
      else if (schema.additionalProperties) {
        found.push(...misfits(inner, schema.additionalProperties as Schema, root, `${at}.${name}`))
      }
    }
  }
  return found
}

function resolve(root: Schema, ref: string): Schema {
  const parts = ref.replace(/^#\//, '').split('/')
  return parts.reduce<unknown>((inner, part) => (inner as Schema)[part], root) as Schema
}

function isOf(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}
