/** Deterministic OpenMetrics text with families of every kind, to make real blocks of with promtool. */

export interface OpenMetricsOptions {
  readonly series: number
  /** Seconds since the epoch. */
  readonly start: number
  /** The values are those of a text of so many hours: the random numbers go on from one series to the next. */
  readonly hours: number
  /** Only the samples of the first hours are given. */
  readonly keepHours: number
  readonly seed: number
}

type Labels = Readonly<Record<string, string>>
type Emit = (name: string, labels: string, value: number, time: number, fraction?: number) => void

const STEP_SECONDS = 15
const JOBS = ['api', 'web', 'db', 'cache', 'batch']
const METHODS = ['GET', 'POST', 'PUT', 'DELETE']
const CODES = ['200', '404', '500', '503']
const BUCKETS = ['0.005', '0.01', '0.1', '0.5', '1.0', '2.5', '10.0', '+Inf']
const ODD = [
  'ünï',
  'a"b',
  'c\\d',
  'x\ny',
  '漢字',
  '😀',
  '',
  ' ',
  '$^.*',
  'a|b',
  'é',
  'e\u0301',
  'z'.repeat(300),
].concat(['\u007f', '\ufffd', '🇺🇸', 'A', 'a', '0', '~'])

/** The lines of the text, in order, each with its line break. */
export function openMetrics(options: OpenMetricsOptions): string[] {
  const { series, start, hours, keepHours } = options
  const end = start + hours * 3600
  const keepEnd = start + keepHours * 3600
  const random = mulberry32(options.seed)
  const lines: string[] = []
  const head = (...texts: readonly string[]) => void lines.push(...texts.map(text => `# ${text}\n`))
  const emit: Emit = (name, labels, value, time, fraction) => {
    if (time >= keepEnd) return
    const stamp = fraction === undefined ? time : (time + fraction).toFixed(3)
    lines.push(`${name}${labels} ${number(value)} ${stamp}\n`)
  }
  const each = (count: number, labelsOf: (i: number) => Labels, write: (i: number, labels: string) => void) => {
    for (let i = 0; i < count; i++) write(i, text(labelsOf(i)))
  }
  const everyStep = (write: (time: number) => void) => {
    for (let time = start; time < end; time += STEP_SECONDS) write(time)
  }
  const share = (part: number) => Math.round(series * part)
  const counts = { requests: share(0.4), memory: share(0.2), temperature: share(0.15), up: share(0.1) }
  const histograms = Math.max(1, Math.round((series * 0.1) / 10))
  const odd = Math.min(20, share(0.02) || 1)
  const rest = series - counts.requests - counts.memory - counts.temperature - counts.up - histograms * 10 - odd
  const ofJob = (i: number) => ({ instance: instance(i), job: JOBS[i % 5] ?? '' })

  head('HELP http_requests Total requests.', 'TYPE http_requests counter')
  const ofRequest = (i: number) => ({ ...ofJob(i >> 4), method: METHODS[i & 3] ?? '', code: CODES[(i >> 2) & 3] ?? '' })
  each(counts.requests, ofRequest, (_, labels) => {
    let total = 0
    everyStep(time => {
      total += Math.floor(random() * 20)
      if (random() < 1 / 4000) total = 0
      emit('http_requests_total', labels, total, time)
    })
  })

  head('TYPE mem_bytes gauge', 'UNIT mem_bytes bytes')
  each(counts.memory, ofJob, (i, labels) => {
    let bytes = 1e9 + i * 4096
    everyStep(time => {
      if (random() < 0.3) bytes += 4096 * Math.floor(random() * 100 - 50)
      emit('mem_bytes', labels, bytes, time)
    })
  })

  head('TYPE temp_celsius gauge', 'UNIT temp_celsius celsius')
  const ofSensor = (i: number) => ({ instance: instance(i), sensor: `s${i % 7}` })
  each(counts.temperature, ofSensor, (i, labels) => {
    everyStep(time => {
      const celsius = 20 + 5 * Math.sin(time / 3600 + i) + random()
      emit('temp_celsius', labels, strange(random()) ?? celsius, time)
    })
  })

  head('TYPE up gauge')
  each(counts.up, ofJob, (_, labels) => everyStep(time => emit('up', labels, random() < 0.01 ? 0 : 1, time)))

  head('TYPE req_seconds histogram', 'UNIT req_seconds seconds')
  each(histograms, ofJob, (i, labels) => {
    const bucketLabels = BUCKETS.map(le => text({ ...ofJob(i), le }))
    const limits = BUCKETS.map(le => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)))
    const seen = limits.map(() => 0)
    let sum = 0
    everyStep(time => {
      for (let n = Math.floor(random() * 30); n > 0; n--) {
        const seconds = -Math.log(random()) * 0.4
        sum += seconds
        for (const [b, limit] of limits.entries()) if (seconds <= limit) seen[b] = (seen[b] ?? 0) + 1
      }
      for (const [b, withLe] of bucketLabels.entries()) emit('req_seconds_bucket', withLe, seen[b] ?? 0, time)
      emit('req_seconds_count', labels, seen.at(-1) ?? 0, time)
      emit('req_seconds_sum', labels, sum, time)
    })
  })

  head('TYPE odd_labels gauge')
  const ofOdd = (i: number) => ({ kind: `k${i}`, v: ODD[i % ODD.length] ?? '' })
  each(odd, ofOdd, (i, labels) => everyStep(time => emit('odd_labels', labels, i + (time % 7), time)))

  head('TYPE sparse gauge')
  const ofSparse = (i: number) => ({ id: String(i).padStart(5, '0') })
  each(Math.max(1, rest), ofSparse, (_, labels) => {
    for (let time = start + Math.floor(random() * 300); time < end; time += 300 + Math.floor(random() * 10)) {
      const value = Math.round(random() * 1e6) / 1e3
      emit('sparse', labels, value, time, Math.floor(random() * 1000) / 1000)
    }
  })
  head('EOF')
  return lines
}

/** What a broken sensor says. */
function strange(draw: number): number | undefined {
  if (draw < 0.0005) return Number.NaN
  if (draw < 0.001) return Number.POSITIVE_INFINITY
  if (draw < 0.0015) return Number.NEGATIVE_INFINITY
  return draw < 0.002 ? -0.1 : undefined
}

function instance(i: number): string {
  return `10.0.${Math.floor(i / 250)}.${i % 250}:9100`
}

function number(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}

function text(labels: Labels): string {
  const escaped = (value: string) => value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')}}`
}

function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
