#!/usr/bin/env bash
# @opentelemetry/sdk-trace 3.1.1: past 128, a span keeps its last links and its last events, but its first attributes.
#
# Guessed:  one rule for the three limits: the first 128 stay (as for attributes), the rest is dropped and counted.
# Seen:     of 300 links, given at the start or added later, the first 172 are dropped; of 300 events the first 172; of 300
#           attributes the last 172.
# Matters:  a span that links to everything it started (a run to its blocks) links to the last 128 only, and the link that
#           was given first, often the cause, is the first to go.
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1

cat > limits.mjs <<'JS'
import assert from 'node:assert/strict'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

const exporter = new InMemorySpanExporter()
const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer('finding')
const hex = (n, length) => (n + 1).toString(16).padStart(length, '0')
const link = n => ({ context: { traceId: hex(n, 32), spanId: hex(n, 16), traceFlags: 1 }, attributes: { n } })
const numbers = Array.from({ length: 300 }, (_, n) => n)

tracer.startSpan('at-start', { links: numbers.map(link) }).end()
const later = tracer.startSpan('later')
for (const n of numbers) later.addLink(link(n)).addEvent(`event-${n}`).setAttribute(`key-${n}`, n)
later.end()

const [atStart, added] = exporter.getFinishedSpans()
for (const span of [atStart, added]) {
  assert.equal(span.droppedLinksCount, 172)
  assert.deepEqual(span.links.map(({ attributes }) => attributes.n), numbers.slice(172))
}
assert.deepEqual(added.events.map(event => event.name), numbers.slice(172).map(n => `event-${n}`))
assert.deepEqual(Object.keys(added.attributes), numbers.slice(0, 128).map(n => `key-${n}`))
console.log('of 300: links 172-299 kept, events 172-299 kept, attributes 0-127 kept')
JS
node limits.mjs
