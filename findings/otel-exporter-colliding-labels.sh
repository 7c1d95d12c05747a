# @opentelemetry/exporter-prometheus 0.301.0: one series whose attributes differ by punctuation takes its whole process out of Prometheus.
#
# Guessed:  attributes that are one label in Prometheus are merged, with ";" between the values, as OpenTelemetry's rules for
#           Prometheus say and as its Go exporter does; or one of them is left out.
# Seen:     { "user.id": 1, user_id: 2 } is written as requests_total{user_id="1",user_id="2"}. Debian's Prometheus 2.42 refuses the
#           page from there on: the target is down, and what stood before that line is not stored either. The exporter says nothing.
# Matters:  two libraries in one process that name an attribute in the old and in the new way need to meet on one series once:
#           then every alert on this process is without data.
set -euo pipefail
command -v prometheus >/dev/null || { echo 'needs prometheus: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && cd "$work"
exporter= server=
trap 'for pid in $exporter $server; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT
prometheus --version 2>&1 | head -1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.19.0 \
  @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/exporter-prometheus@0.301.0

cat > page.mjs <<'JS'
import { createServer } from 'node:http'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
const exporter = new PrometheusExporter({ preventServerStart: true })
const meter = new MeterProvider({ readers: [exporter] }).getMeter('finding')
meter.createCounter('healthy').add(1)
const requests = meter.createCounter('requests')
if (process.argv[2] === 'colliding') requests.add(1, { 'user.id': 1, user_id: 2 })
else requests.add(1, { 'user.id': 1 })
const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS

# What Prometheus thinks of the page: "up", or its error.
scraped() {
  rm -f port
  node_modules/.bin/node page.mjs "$1" >port 2>exporter.log &
  exporter=$!
  until [ -s port ]; do sleep 0.1; done
  port=$(node -e 'require("net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port); this.close() })')
  printf 'scrape_configs:\n  - job_name: finding\n    scrape_interval: 500ms\n    scrape_timeout: 500ms\n    static_configs: [{ targets: ["127.0.0.1:%s"] }]\n' "$(cat port)" >prometheus.yml
  prometheus --config.file=prometheus.yml --storage.tsdb.path="data-$1" --web.listen-address="127.0.0.1:$port" >prometheus.log 2>&1 &
  server=$!
  until curl -fs "127.0.0.1:$port/api/v1/targets" | grep -qE '"health":"(up|down)"'; do sleep 0.2; done
  curl -fs "127.0.0.1:$port/api/v1/targets" | grep -oE '"(lastError|health)":"([^"\\]|\\.)*"' >"$1.txt"
  curl -fs "127.0.0.1:$port/api/v1/query?query=healthy_total" >"$1.json"
  kill "$server" "$exporter"
  wait "$server" "$exporter" 2>/dev/null || true
  exporter= server=
}
scraped apart
scraped colliding
grep -q '"health":"up"' apart.txt
grep -q '"value"' apart.json
grep -q '"health":"down"' colliding.txt
grep -q 'label name .*user_id.* is not unique' colliding.txt
if grep -q '"value"' colliding.json; then echo 'the rest of the page is stored now' >&2; exit 1; fi
[ ! -s exporter.log ]
echo "one attribute: up; user.id beside user_id: $(tr '\n' ' ' <colliding.txt)"
