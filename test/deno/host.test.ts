// Runs under `deno test`, without leave to read the environment or to write.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { it } from 'node:test'
import { sleep } from 'blockgate'
import { denoHost } from 'blockgate/runtime/deno'
import { assert, assertEqual, assertRejects } from 'blockgate/testing'

it('denoHost() needs no permission', async () => {
  const host = denoHost()
  const before = host.monotonic()
  await sleep(host, 1)
  assert(host.monotonic() > before, 'its clock to go on')
  host.log.info('a line of the log')
})

it('a timer of denoHost() that is disposed does not fire, and does not keep Deno alive', async () => {
  const host = denoHost()
  let fired = 0
  host.setTimer(1, () => fired++)[Symbol.dispose]()
  host.setTimer(2 ** 40, () => fired++)[Symbol.dispose]()
  await sleep(host, 5)
  assertEqual(fired, 0, 'the timers that fired')
})

it('sleep() on denoHost() ends with its signal', async () => {
  const controller = new AbortController()
  const slept = sleep(denoHost(), 2 ** 40, controller.signal)
  const reason = new Error('aborted by the test')
  controller.abort(reason)
  assert((await assertRejects(slept, 'a sleep that is aborted')) === reason, 'the reason of the signal')
})

it('between the turns of denoHost() sockets are read: between immediates Deno would starve them', async () => {
  const host = denoHost()
  const server = createServer(socket => void socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let answers = 0
  client.on('data', () => {
    if (++answers < 10) client.write('ping')
  })
  client.write('ping')
  await once(client, 'data')
  let turns = 0
  for (; answers < 10 && turns < 400; turns++) await host.nextTurn()
  client.destroy()
  server.close()
  assert(answers === 10, `10 answers within 400 turns: current value is ${answers}`)
})
