// Deterministic OpenMetrics text: the same seed gives the same samples, byte for byte.

const STEP_SECONDS = 30
const INSTANCES = ['10.0.0.1:9100', '10.0.0.2:9100', '10.0.0.3:9100']
const BUCKETS = [0.005, 0.05, 0.5, 2.5, Number.POSITIVE_INFINITY]

/**
 * Three instances: a counter with resets, two gauges, `up`, and a classic histogram; 45 series in all.
 * @param {{ seed: number, start: number, hours: number }} options start in seconds since the epoch
 */
export function openMetrics({ seed, start, hours }) {
  const random = mulberry32(seed)
  const times = Array.from({ length: (hours * 3600) / STEP_SECONDS }, (_, i) => start + i * STEP_SECONDS)
  const lines = []
  const series = (name, labels, value) => {
    for (const time of times) lines.push(`${name}{${text(labels)}} ${value(time)} ${time}`)
  }

  lines.push('# HELP http_requests Requests that were answered.', '# TYPE http_requests counter')
  for (const instance of INSTANCES) {
    for (const code of ['200', '404', '503']) {
      let total = 0
      series('http_requests_total', { code, instance, job: 'api' }, () => {
        // A restart now and then: queries over this data must cope with counter resets.
        total = random() < 1 / 2000 ? 0 : total + Math.floor(random() * (code === '200' ? 40 : 3))
        return total
      })
    }
  }

  lines.push('# TYPE memory_bytes gauge', '# UNIT memory_bytes bytes')
  for (const instance of INSTANCES) {
    let bytes = 1_000_000_000
    series('memory_bytes', { instance, job: 'node' }, () => {
      bytes += 4096 * Math.floor(random() * 100 - 50)
      return bytes
    })
  }

  lines.push('# TYPE temperature_celsius gauge', '# UNIT temperature_celsius celsius')
  for (const [i, instance] of INSTANCES.entries()) {
    series('temperature_celsius', { instance, sensor: `s${i}` }, time =>
      random() < 0.001 ? 'NaN' : (20 + 5 * Math.sin(time / 3600 + i) + random()).toFixed(2),
    )
  }

  lines.push('# TYPE up gauge')
  for (const job of ['api', 'node', 'db']) {
    for (const instance of INSTANCES) series('up', { instance, job }, () => (random() < 0.01 ? 0 : 1))
  }

  lines.push('# TYPE request_seconds histogram', '# UNIT request_seconds seconds')
  for (const instance of INSTANCES) histogram(lines, times, random, instance)

  lines.push('# EOF', '')
  return lines.join('\n')
}

function histogram(lines, times, random, instance) {
  const counts = BUCKETS.map(() => 0)
  let sum = 0
  for (const time of times) {
    for (let i = Math.floor(random() * 20); i > 0; i--) {
      const seconds = -Math.log(1 - random()) * 0.3
      sum += seconds
      BUCKETS.forEach((limit, b) => {
        if (seconds <= limit) counts[b]++
      })
    }
    BUCKETS.forEach((limit, b) => {
      const le = limit === Number.POSITIVE_INFINITY ? '+Inf' : String(limit)
      lines.push(`request_seconds_bucket{${text({ instance, job: 'api', le })}} ${counts[b]} ${time}`)
    })
    lines.push(`request_seconds_count{${text({ instance, job: 'api' })}} ${counts.at(-1)} ${time}`)
    lines.push(`request_seconds_sum{${text({ instance, job: 'api' })}} ${sum.toFixed(6)} ${time}`)
  }
}

function text(labels) {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')
}

function mulberry32(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
