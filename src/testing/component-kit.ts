/** What every component must keep, whatever its kind: name, check, start and stop. Used by the kits. */
import type { Component, Host, Instance, Problem, Services } from '../contracts/host.ts'
import { services as defaultServices } from './blocks.ts'
import { type FakeHost, settle } from './fake-host.ts'
import { assert, assertEqual, leaveOut, made, type Runner } from './kit.ts'

export interface ComponentKitOptions {
  /** Leads the names of the cases. */
  readonly name: string
  /**
   * What a component is started with. Default: services() on a fakeHost(). A component that does real I/O needs a real
   * host here: on a fake one, what does not settle by itself counts as hanging.
   */
  readonly services?: ((instance: Instance) => Services) | undefined
}

/** Kebab-case, as names and reasons are: they are metric labels. */
export function isKebab(text: unknown): boolean {
  return typeof text === 'string' && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text)
}

/** Starts `component`, hands it to `use`, and stops it whatever happens. */
export async function withStarted<T extends Component>(
  component: T,
  options: ComponentKitOptions,
  use: (component: T, services: Services) => Promise<void>,
  instance: Instance = { id: 'test-1', zone: undefined },
): Promise<Services> {
  const services = (options.services ?? (i => defaultServices({ instance: i })))(instance)
  try {
    if (component.start) await within(services.host, component.start(services), 'start()')
    await use(component, services)
  } finally {
    if (component.stop) await within(services.host, component.stop(new AbortController().signal), 'stop()')
  }
  return services
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
    readonly use: (component: T, services: Services) => Promise<void>
  },
): void {
  const { it } = runner
  const { invalid = [] } = options
  const factory = () => made(options.factory, 'factory')
  const signal = new AbortController().signal

  it('has a kebab-case name, the same for every instance', () => {
    const { name } = factory()
    assert(isKebab(name), `a kebab-case name: current value is ${JSON.stringify(name)}`)
    assertEqual(factory().name, name, 'the same name from every call of the factory')
  })

  it('check() finds nothing wrong with the options of the kit, twice', () => {
    const component = factory()
    assertEqual(component.check?.() ?? [], [], 'check() to find no problems')
    assertEqual(component.check?.() ?? [], [], 'check() to find no problems the second time')
  })

  if (invalid.length === 0) leaveOut(runner, 'check() reports what is wrong', 'no `invalid` was given')
  else {
    it('check() reports wrong options as problems with path and must, the same twice, and the factory does not throw', () => {
      for (const [i, make] of invalid.entries()) {
        const component = made(make, `invalid[${i}]`)
        const problems = component.check?.() ?? []
        assert(problems.length > 0, `problems from check() of invalid[${i}]`)
        for (const problem of problems) assertProblem(problem, i)
        assertEqual(component.check?.(), problems, `the same problems the second time of invalid[${i}]`)
      }
    })
  }

  it('can be stopped without a start', async () => {
    await factory().stop?.(signal)
  })

  it('can be stopped twice', async () => {
    const component = factory()
    const { host } = await withStarted(component, options, options.use)
    if (component.stop) await within(host, component.stop(signal), 'the second stop()')
  })

  it('stops when time is up already', async () => {
    await withStarted(factory(), options, async (component, services) => {
      await options.use(component, services)
      if (component.stop)
        await within(services.host, component.stop(AbortSignal.abort()), 'stop() with an aborted signal')
    })
  })

  it('nothing ticks after stop', async () => {
    const { host } = await withStarted(factory(), options, options.use)
    if (!isFake(host)) return
    assertEqual(host.pendingTimers, 0, 'no timer to be left after stop()')
    await host.advance(86_400_000)
    assertEqual(host.pendingTimers, 0, 'no timer to be set after stop()')
  })
}

function assertProblem(problem: Problem, i: number): void {
  assert(typeof problem.path === 'string', `a path in each problem of invalid[${i}]`)
  assert(typeof problem.must === 'string' && problem.must !== '', `a must in each problem of invalid[${i}]`)
}

function isFake(host: Host): host is FakeHost {
  return 'advance' in host && 'pendingTimers' in host
}
