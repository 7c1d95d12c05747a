// Runs under `deno test`, without leave to read the environment or to write.
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
