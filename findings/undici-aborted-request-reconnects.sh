# undici 7.30.1: a Client whose only request is aborted opens a new connection, though nothing waits for one.
#
# Guessed:  the connection of the aborted request is closed, as its answer cannot be skipped, and the next one is opened by the next
#           request.
# Seen:     the server sees a second connection at once. The client has nothing pending or running. The connection stays open, unused, until
#           keepAliveTimeout is over.
# Matters:  who hedges slow reads or gives requests up when a user goes away pays a TCP and TLS handshake for each, and the server holds as
#           many idle connections more. destroy() of the Client is the way out.
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.19.0 undici@7.30.1

cat > aborted.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Client } from 'undici'

let opened = 0
const closed = []
const server = createServer(() => {}) // answers nothing
server.on('connection', socket => {
  opened++
  const at = Date.now()
  socket.on('close', () => closed.push(Date.now() - at))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const client = new Client(`http://127.0.0.1:${server.address().port}`, { keepAliveTimeout: 2_000 })
const abort = new AbortController()
const asked = client.request({ path: '/', method: 'GET', signal: abort.signal }).catch(error => error.name)
await once(server, 'request')
const before = opened
abort.abort()
const failure = await asked
await new Promise(resolve => setTimeout(resolve, 4_000))
const { pending, running } = client.stats
console.log(`${failure}; connections before ${before}, after ${opened}; pending ${pending}, running ${running}`)
console.log(`the second one was kept for ${Math.round(closed[1] / 1_000)} s`)
client.destroy()
server.close()
JS
node_modules/.bin/node aborted.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
AbortError; connections before 1, after 2; pending 0, running 0
the second one was kept for 2 s
SEEN
