#!/usr/bin/env bash
# @opentelemetry/otlp-transformer 0.301.1: a NaN or an infinite value is JSON null on the wire, and a counter that was given
# NaN once stays null for ever.
#
# Guessed:  the JSON mapping of protobuf, which OTLP/JSON is: "NaN", "Infinity", "-Infinity" as strings, and that a counter
#           ignores NaN as the histogram of the same package does.
# Seen:     asDouble: null for NaN, Infinity and -Infinity alike, in metrics; doubleValue: null in attributes of spans. Protobuf
#           has all three right. counter.add(NaN) turns its sum into NaN and no later add() mends it; histogram.record(NaN)
#           is ignored.
# Matters:  null means "not set" in that mapping, and not set reads as 0: a gauge that says "not known" or "no limit" arrives
#           as 0, depending on which of the two encodings the exporter was configured with.
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 \
  @opentelemetry/sdk-trace@3.1.1 @opentelemetry/otlp-transformer@0.301.1

cat > nan.mjs <<'JS'
import assert from 'node:assert/strict'
import { JsonMetricsSerializer, JsonTraceSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

class Pull extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const VALUES = { nan: NaN, infinity: Infinity, minus: -Infinity }
const reader = new Pull()
const meter = new MeterProvider({ readers: [reader] }).getMeter('finding')
for (const [name, value] of Object.entries(VALUES)) meter.createGauge(name).record(value)
const counter = meter.createCounter('counter')
for (const n of [1, NaN, 1]) counter.add(n)
const histogram = meter.createHistogram('histogram')
for (const n of [1, NaN]) histogram.record(n)

const { resourceMetrics } = await reader.collect()
const parsed = serializer => JSON.parse(new TextDecoder().decode(serializer))
const { metrics } = parsed(JsonMetricsSerializer.serializeRequest(resourceMetrics)).resourceMetrics[0].scopeMetrics[0]
const first = name => metrics.find(m => m.name === name)
for (const name of Object.keys(VALUES)) assert.equal(first(name).gauge.dataPoints[0].asDouble, null)
assert.equal(first('counter').sum.dataPoints[0].asDouble, null)
assert.equal(first('histogram').histogram.dataPoints[0].count, 1)

// asDouble is field 4 of a data point, eight bytes, little endian.
const bytes = Buffer.from(ProtobufMetricsSerializer.serializeRequest(resourceMetrics))
for (const value of [Infinity, -Infinity]) {
  const field = Buffer.alloc(9, 0x21)
  field.writeDoubleLE(value, 1)
  assert.ok(bytes.includes(field))
}

const exporter = new InMemorySpanExporter()
const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer('finding')
tracer.startSpan('span', { attributes: VALUES }).end()
const { spans } = parsed(JsonTraceSerializer.serializeRequest(exporter.getFinishedSpans())).resourceSpans[0].scopeSpans[0]
assert.deepEqual(
  spans[0].attributes.map(({ value }) => value),
  [{ doubleValue: null }, { doubleValue: null }, { doubleValue: null }],
)
console.log('JSON: NaN, Infinity and -Infinity are null; protobuf has them; a counter keeps NaN')
JS
node nan.mjs
