/** Kits and doubles for those who write plugins. */
export { type FakeHost, type FakeHostOptions, fakeHost, type LogLine, settle } from './fake-host.ts'
export { assert, assertEqual, assertRejects, leaveOut, type Runner } from './kit.ts'
