/** The bucket that an objstore YAML of Thanos names. Node and Deno. */
import type { Bucket, Problem } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { type Env, isEmpty, isRecord, readYaml, type YamlValue } from 'blockgate/plugins/filter/thanos-relabel'
import { s3Of } from './s3-fields.ts'

export interface ThanosObjstoreOptions {
  /** The text that Thanos is given as `--objstore.config`, or in its file. Required. */
  readonly yaml: string | undefined
  /** Where `$(NAME)` in the YAML comes from, as in Thanos' files. Default: such a name is a problem of the config. */
  readonly env?: Env | undefined
  /** The text of the file that `tls_config.ca_file` names, in PEM: it is not read here. Default: none. */
  readonly ca?: string | undefined
}

const NAME = 'thanos-objstore'

/**
 * `s3()` or `fs()`, as `type` says. Each field of the YAML is one of their options, or has no effect on a gateway that only reads, or is a
 * problem of the config that names it.
 *
 * @example const bucket = thanosObjstore({ yaml: readFileSync('objstore.yml', 'utf8') })
 */
export function thanosObjstore(options: ThanosObjstoreOptions): Bucket {
  const { type, bucket, problems } = bucketOf(options)
  return {
    ...bucket,
    name: NAME,
    // Not the text itself: it holds the secret key.
    options: { type, ...(bucket.options ?? {}) },
    check: () => problems,
  }
}

interface Made {
  readonly type: string
  readonly bucket: Bucket
  readonly problems: readonly Problem[]
}

const TOP = ['type', 'config', 'prefix']

function bucketOf(options: ThanosObjstoreOptions): Made {
  const { yaml, env, ca } = options ?? {}
  const read = readYaml(yaml, env)
  const none = fs({ root: undefined })
  const refused = (path: string, must: string, value?: unknown): Made => {
    return { type: 'unknown', bucket: none, problems: [{ path, must, value }] }
  }
  if ('must' in read) return refused('yaml', read.must, typeof yaml === 'string' ? undefined : yaml)
  if (!isRecord(read.value)) return refused('yaml', "have Thanos' fields type and config")
  const { type, config, prefix } = read.value
  const unknown = unknownIn(read.value)
  if (unknown) return { ...refused('', ''), problems: [unknown] }
  if (!isEmpty(config) && !isRecord(config)) return refused('yaml.config', 'be an object')
  if (!isEmpty(prefix) && typeof prefix !== 'string') return refused('yaml.prefix', 'be a string')
  const fields = isRecord(config) ? config : {}
  // Thanos cuts them off, too.
  const folder = isEmpty(prefix) ? undefined : prefix.replace(/^\/+|\/+$/g, '')
  switch (typeof type === 'string' ? type.toUpperCase() : undefined) {
    case 'S3': {
      const { options: given, problems } = s3Of(fields, folder, ca)
      return { type: 'S3', bucket: s3(given), problems }
    }
    case 'FILESYSTEM':
      return filesystem(fields, folder)
    default:
      return refused(
        'yaml.type',
        'be S3 or FILESYSTEM: other stores are reached where they speak the protocol of S3',
        type,
      )
  }
}

function filesystem(fields: { readonly [name: string]: YamlValue }, prefix: string | undefined): Made {
  const { directory, ...rest } = fields
  const bucket = fs({ root: typeof directory === 'string' ? directory : undefined, prefix })
  const unknown = Object.entries(rest).map(([name, value]) => ({
    path: `yaml.config.${name}`,
    must: 'be left out: FILESYSTEM has the field directory alone',
    value,
  }))
  const wrong = (bucket.check?.() ?? []).map(problem => ({
    ...problem,
    path: problem.path === 'root' ? 'yaml.config.directory' : `yaml.${problem.path}`,
  }))
  return { type: 'FILESYSTEM', bucket, problems: [...unknown, ...wrong] }
}

function unknownIn(value: { readonly [name: string]: YamlValue }): Problem | undefined {
  const name = Object.keys(value).find(each => !TOP.includes(each))
  if (name === undefined) return undefined
  return { path: `yaml.${name}`, must: `be one of the known fields: ${TOP.join(', ')}`, value: value[name], known: TOP }
}
