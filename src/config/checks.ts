/** What options of the config have in common: durations, counts and sizes. */
import * as v from 'valibot'
import { durationOption } from '../contracts/check.ts'
import { type Duration, durationMs } from '../contracts/duration.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import type { Component, Problem } from '../contracts/host.ts'

/** A duration of `ms` or more. */
export function atLeast(ms: number): v.GenericSchema {
  const isEnough = v.check<Duration, string>(d => durationMs(d, 0) >= ms, `be >= ${ms} ms`)
  return v.optional(v.pipe(durationOption, isEnough))
}

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): v.GenericSchema {
  const [low, high] = [
    v.minValue<number, number, string>(min, `be >= ${min}`),
    v.maxValue<number, number, string>(max, `be <= ${max}`),
  ]
  return v.optional(v.pipe(v.number(), v.integer('be a whole number'), low, high))
}

type Checked = Pick<Component, 'name'> & { check?(pipeline?: unknown): readonly Problem[] }

/** What a component finds wrong with its options, each with its place. `pipeline`: for an interval. */
export function checkComponent(component: Checked, path: string, pipeline?: unknown): Problem[] {
  try {
    const problems = component.check?.(pipeline) ?? []
    return problems.map(problem => ({ ...problem, path: path + problem.path.replace(/^(?=[^[])/, '.') }))
  } catch (error) {
    return [{ path, must: `have a check() that does not throw (${rawMessageOf(error)})`, value: component.name }]
  }
}
