/** From Valibot schemas to JSON schemas (draft 2020-12, as OpenAPI 3.1 has it), for the parts of Valibot that ./answers.ts uses. */
import type * as v from 'valibot'

export type JsonSchema = Readonly<Record<string, unknown>>

/** What is read of a schema, or of an action in its pipe. */
interface Part {
  readonly type: string
  readonly pipe?: readonly Part[]
  readonly wrapped?: Part
  readonly item?: Part
  readonly value?: unknown
  readonly entries?: Readonly<Record<string, Part>>
  readonly literal?: unknown
  readonly options?: readonly unknown[]
  readonly requirement?: unknown
  readonly description?: string
}

/**
 * A schema that has a name in `names` becomes a reference to `#/components/schemas/<name>`, but not at the root.
 * @throws Error for a part that has no JSON schema here
 */
export function jsonSchema(root: v.GenericSchema, names: ReadonlyMap<unknown, string>): JsonSchema {
  const inner = (part: Part | undefined): JsonSchema => {
    const name = names.get(part)
    return name === undefined ? of(part as Part) : { $ref: `#/components/schemas/${name}` }
  }
  const of = (part: Part): JsonSchema => {
    // The first of a pipe is the schema itself.
    if (part.pipe) return Object.assign({}, ...part.pipe.map((one, at) => (at === 0 ? inner(one) : action(one))))
    switch (part.type) {
      case 'string':
      case 'number':
      case 'boolean':
        return { type: part.type }
      case 'literal':
        return { const: part.literal }
      case 'picklist':
        return { type: 'string', enum: part.options }
      case 'array':
        return { type: 'array', items: inner(part.item) }
      case 'nullable':
        return { anyOf: [inner(part.wrapped), { type: 'null' }] }
      case 'optional':
        return inner(part.wrapped)
      case 'record':
        return { type: 'object', additionalProperties: inner(part.value as Part) }
      case 'object':
      case 'strict_object':
        return object(Object.entries(part.entries ?? {}))
      default:
        throw new Error(`a schema of type ${part.type} has no JSON schema`)
    }
  }
  /** No answer has other properties than these. */
  const object = (entries: readonly (readonly [string, Part])[]): JsonSchema => ({
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, part]) => [name, inner(part)])),
    required: entries.flatMap(([name, part]) => (part.type === 'optional' ? [] : [name])),
    additionalProperties: false,
  })
  return of(root as unknown as Part)
}

function action({ type, requirement, description }: Part): JsonSchema {
  switch (type) {
    case 'description':
      return { description }
    case 'integer':
      return { type: 'integer' }
    case 'min_value':
      return { minimum: requirement }
    case 'non_empty':
      return { minLength: 1 }
    case 'regex':
      return { pattern: (requirement as RegExp).source }
    case 'readonly':
      return {}
    default:
      throw new Error(`an action of type ${type} has no JSON schema`)
  }
}
