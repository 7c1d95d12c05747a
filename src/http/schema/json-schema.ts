/** From Valibot schemas to JSON schemas (draft 2020-12, as OpenAPI 3.1 has it), for the parts of Valibot that ./answers.ts uses. */
import type * as v from 'valibot'

export type JsonSchema = Readonly<Record<string, unknown>>

/** What is read of a schema, or of an action in its pipe. */
interface Part {
  readonly type: string
  /** The first is the schema itself; the others are actions. */
  readonly pipe?: readonly Part[]
  readonly wrapped: Part
  readonly item: Part
  readonly value: Part
  readonly entries: Readonly<Record<string, Part>>
  readonly literal: unknown
  readonly options: unknown
  readonly requirement: unknown
  readonly description: string
}

type Inner = (part: Part) => JsonSchema

/** By the type of a schema or of an action. */
const KINDS: Readonly<Record<string, (part: Part, inner: Inner) => JsonSchema>> = {
  string: () => ({ type: 'string' }),
  number: () => ({ type: 'number' }),
  boolean: () => ({ type: 'boolean' }),
  literal: ({ literal }) => ({ const: literal }),
  picklist: ({ options }) => ({ type: 'string', enum: options }),
  array: ({ item }, inner) => ({ type: 'array', items: inner(item) }),
  nullable: ({ wrapped }, inner) => ({ anyOf: [inner(wrapped), { type: 'null' }] }),
  optional: ({ wrapped }, inner) => inner(wrapped),
  record: ({ value }, inner) => ({ type: 'object', additionalProperties: inner(value) }),
  object,
  strict_object: object,
  description: ({ description }) => ({ description }),
  integer: () => ({ type: 'integer' }),
  min_value: ({ requirement }) => ({ minimum: requirement }),
  non_empty: () => ({ minLength: 1 }),
  regex: ({ requirement }) => ({ pattern: (requirement as RegExp).source }),
}

/**
 * A schema that has a name in `names` becomes a reference to `#/components/schemas/<name>`, but not at the root.
 * @throws Error for a part that has no JSON schema here
 */
export function jsonSchema(root: v.GenericSchema, names: ReadonlyMap<unknown, string>): JsonSchema {
  const inner: Inner = part => (names.has(part) ? { $ref: `#/components/schemas/${names.get(part)}` } : of(part))
  const of = (part: Part): JsonSchema => {
    if (part.pipe) return Object.assign({}, ...part.pipe.map(inner))
    const make = KINDS[part.type]
    if (!make) throw new Error(`Valibot's ${part.type} has no JSON schema`)
    return make(part, inner)
  }
  return of(root as unknown as Part)
}

/** No answer has other properties than these. */
function object({ entries }: Part, inner: Inner): JsonSchema {
  const all = Object.entries(entries)
  return {
    type: 'object',
    properties: Object.fromEntries(all.map(([name, part]) => [name, inner(part)])),
    required: all.flatMap(([name, part]) => (part.type === 'optional' ? [] : [name])),
    additionalProperties: false,
  }
}
