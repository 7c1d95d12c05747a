/** Series as PromQL writes them. */
import type { Label } from '../../query/labels.ts'

const METRIC = /^[A-Za-z_:][A-Za-z0-9_:]*$/
const LABEL = /^[A-Za-z_][A-Za-z0-9_]*$/

/** `up{job="node"}`; names that only Prometheus 3 allows are quoted: `{"my.metric", "a.b"="c"}`. */
export function seriesText(labels: readonly Label[]): string {
  const metric = labels.find(([name]) => name === '__name__')?.[1] ?? ''
  const isPlain = METRIC.test(metric)
  const pairs = labels
    .filter(([name]) => name !== '__name__')
    .map(([name, value]) => {
      return `${LABEL.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`
    })
  const inside = metric === '' || isPlain ? pairs : [JSON.stringify(metric), ...pairs]
  if (inside.length === 0 && isPlain) return metric
  return `${isPlain ? metric : ''}{${inside.join(', ')}}`
}
