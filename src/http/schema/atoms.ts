/** What the schemas of the answers are made of. */
import * as v from 'valibot'
import type { BlockId } from '../../contracts/block.ts'

export type Schema<T> = v.GenericSchema<T>

/** With a note for the reader of the OpenAPI description. */
export const described = <T>(schema: Schema<T>, description: string): Schema<T> =>
  v.pipe(schema, v.description(description)) as Schema<T>
export const text: Schema<string> = v.string()
export const map = <T>(values: Schema<T>): Schema<Readonly<Record<string, T>>> => v.record(v.string(), values)
export const flag: Schema<boolean> = v.boolean()
export const word: Schema<string> = v.pipe(v.string(), v.nonEmpty())
export const count: Schema<number> = v.pipe(v.number(), v.integer(), v.minValue(0))
export const ulid: Schema<BlockId> = v.pipe(
  v.string(),
  v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
) as unknown as Schema<BlockId>
export const time: Schema<number> = described(v.pipe(v.number(), v.integer()), 'Milliseconds since the epoch')
