#!/usr/bin/env bash
# prometheus-query 3.5.1 (npm), asking Debian's Prometheus 2.42: both infinities arrive as NaN, and the epoch as now.
#
# Guessed:  a client of Prometheus reads the three special values of its API (NaN, +Inf, -Inf), and takes a time of 0 ms as 0.
# Seen:     "+Inf" and "-Inf" are NaN: parseFloat() knows only the spelling Infinity. instantQuery(q, 0) is evaluated now,
#           instantQuery(q, 1) at 0.001 s.
# Matters:  the infinity of an empty denominator cannot be told from "no value", and both infinities are equal: whoever compares
#           answers through this client calls different answers the same.
set -euo pipefail
command -v prometheus >/dev/null || { echo 'needs prometheus: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && cd "$work"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
prometheus --version 2>&1 | head -1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund prometheus-query@3.5.1
echo '{}' > prometheus.yml
port=$(node -e "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})")
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$port" >log 2>&1 &
pid=$!
for _ in $(seq 60); do curl -sf "http://127.0.0.1:$port/-/ready" >/dev/null && break; sleep 1; done
cat > ask.cjs <<'JS'
const assert = require('node:assert/strict')
const { PrometheusDriver } = require('prometheus-query')
const endpoint = process.argv[2]
const client = new PrometheusDriver({ endpoint })
const value = async (query, time) => (await client.instantQuery(query, time)).result[0].value.value
const raw = async query => (await (await fetch(`${endpoint}/api/v1/query?query=${encodeURIComponent(query)}`)).json()).data.result[0].value[1]
async function main() {
  assert.equal(await raw('vector(1) / 0'), '+Inf')
  assert.ok(Number.isNaN(await value('vector(1) / 0')))
  assert.equal(await raw('vector(-1) / 0'), '-Inf')
  assert.ok(Number.isNaN(await value('vector(-1) / 0')))
  assert.ok(Math.abs((await value('vector(time())', 0)) - Date.now() / 1000) < 3600)
  assert.equal(await value('vector(time())', 1), 0.001)
  console.log('+Inf and -Inf read as NaN; a time of 0 means now, a time of 1 means 0.001 s')
}
main()
JS
node ask.cjs "http://127.0.0.1:$port"
