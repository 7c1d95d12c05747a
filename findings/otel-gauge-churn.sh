#!/usr/bin/env bash
# @opentelemetry/sdk-metrics 3.1.1 keeps every attribute set an observable ever reported, so names that came and went crowd
# out the ones that are there now.
#
# Guessed:  a collection exports what its callback observed just now; a limit of series, if any, counts those.
# Seen:     a set that is no longer observed is exported with its last value for ever, and counts against the default limit of
#           2,000. With 3 pods at a time that change names, the 667th generation of pods has one pod of its own in the export
#           and every later one none: all go into the one series otel.metric.overflow=true. The same for observable
#           counters and up-down counters.
# Matters:  a gauge by pod, member or block is right on the day of the deployment and blind some weeks later, and an alert
#           on a value that is "not known now" never fires, since the old value stays.
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1

cat > churn.mjs <<'JS'
import assert from 'node:assert/strict'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'

class Pull extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Pull()
const meter = new MeterProvider({ readers: [reader] }).getMeter('finding')
let generation = 0
let known = true
meter.createObservableGauge('single').addCallback(result => known && result.observe(7))
for (const kind of ['Gauge', 'Counter', 'UpDownCounter']) {
  meter[`createObservable${kind}`](kind).addCallback(result => {
    for (let n = 0; n < 3; n++) result.observe(generation, { pod: `pod-${generation}-${n}` })
  })
}

async function look(at) {
  generation = at
  const { resourceMetrics } = await reader.collect()
  const [single, ...byPod] = resourceMetrics.scopeMetrics[0].metrics
  return {
    single: single.dataPoints.map(point => point.value),
    exported: byPod.map(metric => metric.dataPoints.length),
    current: byPod.map(m => m.dataPoints.filter(p => String(p.attributes.pod).startsWith(`pod-${at}-`)).length),
    overflow: byPod.map(m => m.dataPoints.filter(p => p.attributes['otel.metric.overflow']).length),
  }
}

assert.deepEqual((await look(0)).exported, [3, 3, 3])
known = false
for (let at = 1; at < 666; at++) await look(at)
const seen = { single: [7] }
assert.deepEqual(await look(666), { ...seen, exported: [2000, 2000, 2000], current: [1, 1, 1], overflow: [1, 1, 1] })
assert.deepEqual(await look(667), { ...seen, exported: [2000, 2000, 2000], current: [0, 0, 0], overflow: [1, 1, 1] })
console.log('not observed for 667 collections, still exported: 7')
console.log('667 generations of 3 pods: 2000 series exported, 0 of the 3 pods of now among them')
JS
node churn.mjs
