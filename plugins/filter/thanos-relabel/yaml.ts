/** Reads YAML as Thanos does: every scalar as the text that stands there, and `$(NAME)` from the environment. */
import { LineCounter, parseAllDocuments } from 'yaml'

export type Env = Readonly<Record<string, string | undefined>>

/** A text, a list or a record of such, or null. */
export type YamlValue = string | null | readonly YamlValue[] | { readonly [name: string]: YamlValue }

/** `must` completes "must …" and quotes nothing of the text, which may hold secrets. */
export type YamlResult = { readonly value: YamlValue } | { readonly must: string }

const MAX_LENGTH = 1024 * 1024
const VARIABLE = /\$\(([a-zA-Z_0-9]+)\)/g

/**
 * The first document of `text`, as Thanos reads it.
 *
 * @param env where `$(NAME)` comes from, as in the files of Thanos' flags; without it such a name is a problem
 */
export function readYaml(text: unknown, env: Env | undefined): YamlResult {
  if (typeof text !== 'string') return { must: 'be the text of a YAML file' }
  if (text.length > MAX_LENGTH) return { must: `have <= ${MAX_LENGTH} characters` }
  const missing = [...text.matchAll(VARIABLE)].map(([, name = '']) => name).find(name => env?.[name] === undefined)
  if (missing !== undefined) {
    return { must: env ? `have its $(${missing}) in env` : `come with env, where its $(${missing}) is` }
  }
  const lines = new LineCounter()
  const filled = text.replace(VARIABLE, (_, name: string) => env?.[name] ?? '')
  try {
    // Without a schema that makes numbers of texts: an access key may be 0123.
    const [document] = parseAllDocuments(filled, { schema: 'failsafe', lineCounter: lines })
    if (!document || !('errors' in document)) return { value: null }
    const [error] = document.errors
    if (!error) return { value: document.toJS() as YamlValue }
    const { line, col } = lines.linePos(error.pos[0])
    // Its message may quote what stands there.
    return { must: `be YAML: ${error.code} in line ${line}, column ${col}` }
  } catch {
    return { must: 'be YAML whose aliases can be resolved' }
  }
}

export function isRecord(value: YamlValue | undefined): value is { readonly [name: string]: YamlValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What Go takes for no value. */
export function isEmpty(value: YamlValue | undefined): value is null | undefined | '' | 'null' | '~' {
  return value === undefined || value === null || value === '' || value === 'null' || value === '~'
}
