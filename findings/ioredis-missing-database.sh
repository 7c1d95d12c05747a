#!/usr/bin/env bash
# ioredis 5.11.1 with Debian's Redis 7.0: a URL that names a database which the server does not have works, in database 0.
#
# Guessed:  a refused SELECT ends the connection, or fails the commands after it, as a refused password does.
# Seen:     one error event "ERR DB index is out of range", then ready; set() answers OK, and the key stands in database 0. The
#           client itself says { select: 99 }. With enableOfflineQueue: false and connect() awaited it is the same, and
#           connect() resolves.
# Matters:  a typo in redis://host/99, or a move to a server with fewer databases, mixes the keys with whatever lives in
#           database 0; with an empty error listener, as many have, without a word.
set -euo pipefail
command -v redis-server >/dev/null || { echo 'needs redis-server: apt-get install -y redis-server' >&2; exit 2; }
work=$(mktemp -d) && cd "$work"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
redis-server --version
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ioredis@5.11.1
port=$(node -e "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})")
redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no >log &
pid=$!
cat > ask.cjs <<'JS'
const assert = require('node:assert/strict')
const { Redis } = require('ioredis')
const port = process.argv[2]
async function ask(options) {
  const events = []
  const client = new Redis(`redis://127.0.0.1:${port}/99`, { lazyConnect: true, ...options })
  client.on('error', error => events.push(error.message)).on('ready', () => events.push('ready'))
  await client.connect()
  assert.equal(await client.set('key', 'value'), 'OK')
  assert.match(await client.client('INFO'), / db=0 /)
  assert.deepEqual(events.sort(), ['ERR DB index is out of range', 'ready'])
  client.disconnect()
}
async function main() {
  await ask({})
  await ask({ enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  const other = new Redis(port)
  assert.equal(await other.get('key'), 'value')
  other.disconnect()
  console.log('database 99 of 16: connect() resolves, set() is OK, the key is in database 0')
}
main()
JS
for _ in $(seq 50); do redis-cli -p "$port" ping >/dev/null 2>&1 && break; sleep 0.2; done
node ask.cjs "$port"
