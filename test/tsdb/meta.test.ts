import { type BlockId, codeOf } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { parseMeta } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'

const ID = testId(7)
const HASH = 'ab'.repeat(32)

/** A meta.json as the Thanos sidecar and compactor write it, with every field. */
const full = {
  ulid: ID,
  minTime: 1_700_006_400_000,
  maxTime: 1_700_013_600_000,
  stats: { numSamples: 10, numSeries: 2, numChunks: 3 },
  compaction: { level: 2, sources: [testId(1), testId(2)], parents: [{ ulid: testId(1), minTime: 0, maxTime: 1 }] },
  version: 1,
  thanos: {
    version: 1,
    labels: { cluster: 'eu', replica: 'r0' },
    downsample: { resolution: 300_000 },
    source: 'compactor',
    segment_files: ['000001', '000002'],
    files: [
      { rel_path: 'chunks/000001', size_bytes: 100, hash: { hashFunc: 'SHA256', value: HASH.toUpperCase() } },
      { rel_path: 'index', size_bytes: 50 },
      { rel_path: 'meta.json' },
    ],
    index_stats: { series_max_size: 64, chunk_max_size: 16 },
    extensions: { anything: [1, { deep: true }] },
    upload_time: '2023-11-15T04:00:00.123456789+01:00',
  },
}

function parse(value: unknown, expect: BlockId = ID) {
  return parseMeta(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)), expect)
}
const withThanos = (part: object) => ({ ...full, thanos: { ...full.thanos, ...part } })

function messageOf(value: unknown): string {
  try {
    parse(value)
  } catch (error) {
    expect(codeOf(error)).toBe('corrupted-meta-json')
    return (error as Error).message
  }
  throw new Error('the meta was accepted')
}

describe('parseMeta', () => {
  it('gives every field of a whole Thanos meta, and the upload time in ms', () => {
    expect(parse(full)).toEqual({
      meta: {
        ulid: ID,
        minTime: 1_700_006_400_000,
        maxTime: 1_700_013_600_000,
        labels: { cluster: 'eu', replica: 'r0' },
        resolution: 300_000,
        compaction: { level: 2, sources: [testId(1), testId(2)] },
        source: 'compactor',
        variant: '[{"anything":[1,{"deep":true}]},[]]',
        files: [
          { path: 'chunks/000001', size: 100, sha256: HASH },
          { path: 'index', size: 50 },
        ],
        readAhead: { series: 64, chunk: 16 },
      },
      uploaded: Date.UTC(2023, 10, 15, 3, 0, 0, 123),
      declared: [
        { path: 'chunks/000001', size: 100, sha256: HASH },
        { path: 'index', size: 50 },
        { path: 'meta.json', size: undefined },
        { path: 'chunks/000002', size: undefined },
      ],
    })
  })

  const { thanos: _, ...prometheus } = full
  const LOWER = '01m3tm26y0cvt0000000000000'
  const hash = (hashFunc: string, value: string) => ({ rel_path: 'index', size_bytes: 1, hash: { hashFunc, value } })
  const ofFiles = (...files: readonly object[]) => withThanos({ files, segment_files: [] })
  const names = ['../index', '/index', 'index/', 'chunks/1', 'chunks/000001/x', 'chunks/../000001', 'CHUNKS/000001', '']
  const empty = { files: [], source: '', resolution: 0, readAhead: undefined }
  const index1 = { path: 'index', size: 1 }

  it.each<[name: string, given: object, expected: object, id?: string]>([
    ["Prometheus' own meta", prometheus, { meta: { ...empty, labels: {} }, uploaded: undefined }],
    [
      "Go's null for all that is not set",
      {
        ...full,
        compaction: { level: 1, sources: null },
        thanos: {
          ...{ labels: null, downsample: null, files: null, segment_files: null, index_stats: null, source: null },
          ...{ version: null, extensions: null, rewrites: null, upload_time: null },
        },
      },
      { meta: { ...empty, compaction: { level: 1, sources: [] } } },
    ],
    ['no thanos section', { ...full, thanos: null }, { meta: empty }],
    ['no compaction', { ...full, compaction: null }, { meta: { compaction: { level: 0, sources: [] } } }],
    ['no level', { ...full, compaction: { level: null, parents: null } }, { meta: { compaction: { level: 0 } } }],
    ['a key that is exact before others', { MINTIME: 5, ...full, MAXTIME: 7 }, { meta: { minTime: full.minTime } }],
    [
      'labels whose names differ in case',
      withThanos({ labels: { Cluster: 'a', cluster: 'b' } }),
      { meta: { labels: { Cluster: 'a', cluster: 'b' } } },
    ],
    [
      "a null label for '', as Go's map of strings does",
      withThanos({ labels: { a: null, b: 'c' } }),
      { meta: { labels: { a: '', b: 'c' } } },
    ],
    [
      'ULIDs in lower case',
      { ...full, ulid: LOWER, compaction: { sources: [LOWER] } },
      { meta: { ulid: LOWER.toUpperCase(), compaction: { sources: [LOWER.toUpperCase()] } } },
      LOWER.toUpperCase(),
    ],
    [
      'a size of 0 for one that is not told, as Go leaves it out',
      ofFiles({ rel_path: 'index', size_bytes: 0 }),
      { meta: { files: [] }, declared: [{ path: 'index', size: undefined }] },
    ],
    ["Go's zero time", withThanos({ upload_time: '0001-01-01T00:00:00Z' }), { uploaded: undefined }],
    [
      'files of a block, and no other name: a path may be made of it',
      withThanos({
        files: [...names, 'tombstones'].map(rel_path => ({ rel_path, size_bytes: 1 })),
        segment_files: ['../../etc', '0000001'],
      }),
      { declared: [{ path: 'tombstones', size: 1 }] },
    ],
    ['a SHA-256', ofFiles(hash('SHA256', HASH)), { declared: [{ ...index1, sha256: HASH }] }],
    ['no hash that is short', ofFiles(hash('SHA256', 'ab')), { declared: [index1] }],
    ['no hash that is long', ofFiles(hash('SHA256', `${HASH}ab`)), { declared: [index1] }],
    ['no hash that is empty', ofFiles(hash('SHA256', '')), { declared: [index1] }],
    ['no hash of another kind', ofFiles(hash('MD5', HASH)), { declared: [index1] }],
    [
      'a file that is named twice once',
      ofFiles(hash('SHA256', HASH), { rel_path: 'index', size_bytes: 2 }),
      { declared: [{ ...index1, sha256: HASH }] },
    ],
  ])('takes %s', (_, given, expected, id = ID) => {
    const parsed = parse(given, id as BlockId)
    expect({ ...parsed, meta: { ...parsed.meta, labels: { ...parsed.meta.labels } } }).toMatchObject(expected)
    if ('declared' in expected) expect(parsed.declared).toEqual(expected.declared)
  })

  it("takes keys in any case, as Go's reader does", () => {
    const upper = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(upper)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toUpperCase(), upper(inner)]))
    }
    const { extensions: _, labels, ...thanos } = full.thanos
    const plain = { ...full, thanos: { ...thanos, labels } }
    const loud = { ...(upper(plain) as object), THANOS: { ...(upper(thanos) as object), LABELS: labels } }
    expect(parse(loud)).toEqual(parse(plain))
  })

  it('gives labels without a prototype, so that a label named __proto__ is a label like any other', () => {
    const text = JSON.stringify(full).replace('"cluster"', '"__proto__"')
    const { labels } = parse(text).meta
    expect(Object.getPrototypeOf(labels)).toBeNull()
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'eu'],
      ['replica', 'r0'],
    ])
    expect(messageOf(JSON.stringify(full).replace('"cluster":"eu"', '"__proto__":{"polluted":"yes"}'))).toBe(
      'corrupted-meta-json: meta.json: thanos.labels.__proto__: must be a string: current value is an object',
    )
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const lower = ID.toLowerCase().replace(/7/, 'x')
  const badId = ID.replace('7', '\n')
  const file = { rel_path: 'index', size_bytes: -1 }
  const text = JSON.stringify(full)
  const rules: readonly (readonly [value: unknown, message: string])[] = [
    [{ ...full, version: 20 }, 'version: must be 1: current value is 20'],
    [{ ...full, version: undefined }, 'version: must be given: current value is undefined'],
    [{ ...full, version: '1' }, 'version: must be 1: current value is "1"'],
    [withThanos({ version: 2 }), 'thanos.version: must be 0 or 1: current value is 2'],
    [{ ...full, ulid: testId(8) }, `ulid: must be its folder ${ID}: current value is "${testId(8)}"`],
    [{ ...full, ulid: lower }, `ulid: must be its folder ${ID}: current value is "${lower}"`],
    [{ ...full, ulid: 7 }, 'ulid: must be a string: current value is 7'],
    [{ ...full, ulid: undefined }, 'ulid: must be given: current value is undefined'],
    [{ ...full, minTime: 5, maxTime: 4 }, 'maxTime: must be >= minTime 5: current value is 4'],
    [{ ...full, minTime: undefined }, 'minTime: must be given: current value is undefined'],
    [{ ...full, minTime: '0' }, 'minTime: must be a number: current value is "0"'],
    [{ ...full, minTime: 0.5 }, 'minTime: must be a safe integer: current value is 0.5'],
    [{ ...full, maxTime: 2 ** 53 }, 'maxTime: must be a safe integer: current value is 9007199254740992'],
    [text.replace('1700013600000', '1e999'), 'maxTime: must be a safe integer: current value is Infinity'],
    [{ ...full, compaction: [] }, 'compaction: must be an object: current value is an array'],
    [{ ...full, compaction: { level: -1 } }, 'compaction.level: must be >= 0: current value is -1'],
    [{ ...full, compaction: { sources: [ID, 'no'] } }, 'compaction.sources.1: must be a ULID: current value is "no"'],
    [{ ...full, compaction: { sources: [null] } }, 'compaction.sources.0: must be a ULID: current value is null'],
    [
      { ...full, compaction: { sources: [badId] } },
      'compaction.sources.0: must be a ULID: current value is "000000000\\n0000000000000000"',
    ],
    [{ ...full, thanos: 'x' }, 'thanos: must be an object: current value is "x"'],
    [withThanos({ labels: [] }), 'thanos.labels: must be an object: current value is an array'],
    [withThanos({ labels: { a: 1 } }), 'thanos.labels.a: must be a string: current value is 1'],
    [withThanos({ downsample: { resolution: 1 } }), 'resolution: must be 0, 300000 or 3600000: current value is 1'],
    [withThanos({ source: 3 }), 'thanos.source: must be a string: current value is 3'],
    [withThanos({ files: {} }), 'thanos.files: must be an array: current value is an object'],
    [ofFiles(file), 'thanos.files.0.size_bytes: must be >= 0: current value is -1'],
    [
      withThanos({ index_stats: { chunk_max_size: 1.5 } }),
      'chunk_max_size: must be a safe integer: current value is 1.5',
    ],
    [withThanos({ upload_time: 'now' }), 'thanos.upload_time: must be an RFC 3339 time: current value is "now"'],
    [withThanos({ upload_time: '2023-13-15T04:00:00Z' }), 'thanos.upload_time: must be an RFC 3339 time'],
    ['', 'must be JSON: it is empty'],
    ['{', 'must be JSON: it ends at byte 1'],
    ['[]', 'must be an object: current value is an array'],
    ['null', 'must be an object: current value is null'],
    ['7', 'must be an object: current value is 7'],
    [
      JSON.stringify(withThanos({ extensions: '?' })).replace('"?"', deep),
      'thanos.extensions: must be nested less deeply: current value is an array',
    ],
  ]
  for (const [index, [value, message]] of rules.entries()) {
    it(`refuses a bad meta and says where: ${index + 1}: ${message}`, () => {
      expect(messageOf(value)).toMatch(/^corrupted-meta-json: meta\.json: /)
      expect(messageOf(value)).toContain(message)
    })
  }

  it('refuses bytes that are not UTF-8', () => {
    const bytes = new TextEncoder().encode(text)
    bytes[text.indexOf('cluster')] = 0xff
    expect(() => parseMeta(bytes, ID)).toThrow('corrupted-meta-json: meta.json: must be JSON')
  })

  it('shows at most 64 characters of a bad value, on one line', () => {
    expect(messageOf({ ...full, ulid: 'x\n'.repeat(1000) })).toBe(
      `corrupted-meta-json: meta.json: ulid: must be its folder ${ID}: current value is "${'x\\n'.repeat(32)}"`,
    )
    const label = { ['l\n'.repeat(1000)]: 1 }
    expect(messageOf(withThanos({ labels: label }))).toMatch(/^.{1,300}$/)
  })

  it('gives a meta that keeps the rules, or corrupted-meta-json, for any mutation of the bytes', () => {
    const random = fakeHost({ seed: 20_483 }).random
    const pick = (n: number) => Math.floor(random() * n)
    const original = new TextEncoder().encode(JSON.stringify(full))
    const seen = { good: 0, bad: 0 }
    for (let round = 0; round < 4000; round++) {
      let bytes = original.slice()
      for (let change = pick(3); change >= 0; change--) bytes = mutate(bytes, pick)
      try {
        const { meta, uploaded, declared } = parseMeta(bytes, ID)
        seen.good++
        expect(meta.ulid).toBe(ID)
        expect(meta.minTime <= meta.maxTime && Number.isSafeInteger(meta.minTime)).toBe(true)
        expect(Object.values(meta.labels).every(value => typeof value === 'string')).toBe(true)
        expect(Object.getPrototypeOf(meta.labels)).toBeNull()
        expect([0, 300_000, 3_600_000]).toContain(meta.resolution)
        expect(meta.compaction.sources.every(id => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id))).toBe(true)
        expect(declared.every(file => /^(index|meta\.json|tombstones|chunks\/\d{6})$/.test(file.path))).toBe(true)
        expect(meta.files.every(file => Number.isSafeInteger(file.size) && file.size >= 0)).toBe(true)
        expect(uploaded === undefined || uploaded > 0).toBe(true)
      } catch (error) {
        if (codeOf(error) !== 'corrupted-meta-json') throw error
        seen.bad++
      }
    }
    expect(seen.good).toBeGreaterThan(400)
    expect(seen.bad).toBeGreaterThan(400)
  })
})

const TOKENS = ['null', '-1', '1e999', '"__proto__"', '[]', '{}', '0.1', '""', '"../x"', 'true', '9007199254740993']

/** One change: a bit, a cut, a repeat, or a value put in another's place. */
function mutate(bytes: Uint8Array, pick: (n: number) => number): Uint8Array<ArrayBuffer> {
  const at = pick(bytes.length)
  const end = at + pick(20)
  const kind = pick(5)
  if (kind === 0) return bytes.map((byte, i) => (i === at ? byte ^ (1 << pick(8)) : byte)) as Uint8Array<ArrayBuffer>
  if (kind === 1) return join(bytes.subarray(0, at), bytes.subarray(end))
  if (kind === 2) return join(bytes.subarray(0, end), bytes.subarray(at))
  const text = new TextDecoder().decode(bytes)
  const values = [...text.matchAll(/(?<=[:[,])(?:"[^"]*"|-?\d+)(?=[,}\]])/g)]
  const value = values[pick(values.length)]
  if (!value) return join(bytes)
  const put = kind === 3 ? (TOKENS[pick(TOKENS.length)] ?? '') : (values[pick(values.length)]?.[0] ?? '')
  return join(new TextEncoder().encode(text.slice(0, value.index) + put + text.slice(value.index + value[0].length)))
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap(part => [...part]))
}
