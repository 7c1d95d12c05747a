#!/usr/bin/env bash
# parse-prometheus-text-format 1.1.1 makes one histogram of all those of a family, without their labels, sums and counts.
#
# Guessed:  a histogram with a label of its own (one per handler, as most are) comes out as one entry a label set, each with
#           buckets, sum and count; what cannot be told is an error.
# Seen:     two histograms that differ by handler are one entry { buckets: { "0.5": …, "+Inf": … } } with the values of whoever
#           stood last; neither handler, nor _sum, nor _count is in the result. The gauge beside it keeps its labels.
#           Prometheus' own promtool finds nothing wrong with the input.
# Matters:  whatever reads an exporter's page through this package (checks, dashboards, tests) sees one handler and takes it
#           for all.
set -euo pipefail
command -v promtool >/dev/null || { echo 'needs promtool: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund parse-prometheus-text-format@1.1.1
cat > metrics.txt <<'TXT'
# HELP h_seconds how long
# TYPE h_seconds histogram
h_seconds_bucket{handler="a",le="0.5"} 1
h_seconds_bucket{handler="a",le="+Inf"} 2
h_seconds_sum{handler="a"} 3
h_seconds_count{handler="a"} 2
h_seconds_bucket{handler="b",le="0.5"} 10
h_seconds_bucket{handler="b",le="+Inf"} 50
h_seconds_sum{handler="b"} 30
h_seconds_count{handler="b"} 50
# HELP g now
# TYPE g gauge
g{handler="a"} 1
g{handler="b"} 2
TXT
promtool check metrics < metrics.txt
cat > parse.cjs <<'JS'
const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const parser = require('parse-prometheus-text-format')
const [histogram, gauge] = (parser.default ?? parser)(readFileSync('metrics.txt', 'utf8'))
assert.deepEqual(histogram.metrics, [{ buckets: { 0.5: '10', '+Inf': '50' } }])
assert.deepEqual(gauge.metrics.map(({ labels }) => labels.handler), ['a', 'b'])
console.log('two histograms in, one out:', JSON.stringify(histogram.metrics))
JS
node parse.cjs
