/** What every component must keep, whatever its kind: name, check, start and stop. */
import type { Component, Host, Instance, Services } from '../contracts/host.ts'
import { assert, assertEqual, leaveOut, made, type Runner } from './assert.ts'
import { services as defaultServices } from './blocks.ts'
import { type FakeHost, settle } from './fake-host.ts'

export interface ComponentKitOptions {
  /** Leads the names of the cases. */
  readonly name: string
  /**
   * What a component is started with. Default: services() on a fakeHost(). A component that does real I/O needs a real
   * host here: on a fake one, what does not settle by itself counts as hanging.
   */
  readonly services?: ((instance: Instance) => Services) | undefined
}

type Use<T> = (component: T, services: Services) => Promise<void>

/** Kebab-case, as names and reasons are: they are metric labels. */
export function isKebab(text: unknown): boolean {
  return typeof text === 'string' && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text)
}

/** Starts `component`, hands it to `use`, and stops it whatever happens. */
export async function withStarted<T extends Component>(
  component: T,
  options: ComponentKitOptions,
  use: Use<T>,
  instance: Instance = { id: 'test-1', zone: undefined },
): Promise<Services> {
  const services = options.services?.(instance) ?? defaultServices({ instance })
  try {
    if (component.start) await within(services.host, component.start(services), 'start()')
    await use(component, services)
  } finally {
    await stopped(component, services.host)
  }
  return services
}

/** Registers cases that are each given a started component of their own. */
export function caseOf<T extends Component>(
  runner: Runner,
  options: ComponentKitOptions,
  factory: () => T,
): (name: string, use: Use<T>) => void {
  return (name, use) => runner.it(name, async () => void (await withStarted(factory(), options, use)))
}

/** What `work` settles as. On a fake host time is moved along; what has not settled after two minutes of it hangs. */
export async function within<T>(host: Host, work: Promise<T>, what: string): Promise<T> {
  if (!isFake(host)) return work
  let settled = false
  const watched = work.finally(() => {
    settled = true
  })
  watched.catch(() => {})
  await settle()
  for (let second = 0; second < 120 && !settled; second++) await host.advance(1000)
  assert(settled, `${what} to settle`)
  return watched
}

/** The cases. `use` makes a started component work, so that there is something to stop. */
export function componentCases<T extends Component>(
  runner: Runner,
  options: ComponentKitOptions & {
    readonly factory: () => T
    readonly invalid?: readonly (() => Component)[] | undefined
    readonly use: Use<T>
  },
): void {
  const { it } = runner
  const { invalid = [], use } = options
  const factory = () => made(options.factory, 'factory')

  it('has a kebab-case name, the same for every instance', () => {
    const { name } = factory()
    assert(isKebab(name), `a kebab-case name: current value is ${JSON.stringify(name)}`)
    assertEqual(factory().name, name, 'the same name from every call of the factory')
  })

  it('check() finds nothing wrong with right options, twice', () => {
    const component = factory()
    for (const time of ['first', 'second']) {
      assertEqual(component.check?.() ?? [], [], `check() to find no problems the ${time} time`)
    }
  })

  if (invalid.length === 0) leaveOut(runner, 'check() reports what is wrong', 'no `invalid` was given')
  else {
    it('check() reports wrong options as problems with path and must, the same twice, and the factory does not throw', () => {
      for (const [i, make] of invalid.entries()) {
        const component = made(make, `invalid[${i}]`)
        const problems = component.check?.() ?? []
        assert(problems.length > 0, `problems from check() of invalid[${i}]`)
        for (const { path, must } of problems) {
          assert(typeof path === 'string', `a path in each problem of invalid[${i}]`)
          assert(typeof must === 'string' && must !== '', `a must in each problem of invalid[${i}]`)
        }
        assertEqual(component.check?.(), problems, `the same problems the second time of invalid[${i}]`)
      }
    })
  }

  it('can be stopped without a start', async () => {
    await factory().stop?.(new AbortController().signal)
  })

  it('can be stopped twice', async () => {
    const component = factory()
    const { host } = await withStarted(component, options, use)
    await stopped(component, host)
  })

  it('stops when time is up already', async () => {
    await withStarted(factory(), options, async (component, services) => {
      await use(component, services)
      await stopped(component, services.host, AbortSignal.abort())
    })
  })

  it('nothing ticks after stop', async () => {
    const { host } = await withStarted(factory(), options, use)
    if (!isFake(host)) return
    assertEqual(host.pendingTimers, 0, 'no timer to be left after stop()')
    await host.advance(86_400_000)
    assertEqual(host.pendingTimers, 0, 'no timer to be set after stop()')
  })
}

async function stopped(component: Component, host: Host, signal = new AbortController().signal): Promise<void> {
  if (component.stop) await within(host, component.stop(signal), 'stop()')
}

export function isFake(host: Host): host is FakeHost {
  return 'advance' in host && 'pendingTimers' in host
}
