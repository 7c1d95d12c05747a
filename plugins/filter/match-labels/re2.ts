/**
 * Matches RE2 expressions against whole strings in time linear in the string, as Prometheus does: label values come out
 * of a bucket, and with JavaScript's own engine one of them could hold the gateway up for hours.
 */
import { BlockgateError, ErrorCode } from 'blockgate'
import { type CharTest, perlClass } from './re2-chars.ts'
import { type Assertion, type Node, parse } from './re2-parse.ts'

/** Steps of a compiled expression: bounds the work per character. RE2's bound is bytes of memory, near the same size. */
const MAX_STEPS = 10_000

const word = perlClass('w', false)

type Step =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'split'; to: readonly number[] }
  | { readonly kind: 'match' }

/**
 * A test of whole strings: `^(?s:pattern)$`.
 * @throws BlockgateError `unsupported` where `pattern` is no RE2 expression, or too large
 * @example compileRe2('(?i)prod-[0-9]+')('PROD-7') // true
 */
export function compileRe2(pattern: string): (text: string) => boolean {
  const steps: Step[] = []
  emit(parse(pattern), steps, pattern)
  steps.push({ kind: 'match' })
  return text => run(steps, codePoints(text))
}

function emit(node: Node, steps: Step[], pattern: string): void {
  if (steps.length > MAX_STEPS) {
    const where = JSON.stringify(pattern.slice(0, 64))
    throw new BlockgateError(ErrorCode.unsupported, `an expression of more than ${MAX_STEPS} steps: ${where}`)
  }
  const into = (item: Node): void => emit(item, steps, pattern)
  if (node.kind === 'all') node.items.forEach(into)
  else if (node.kind === 'any') emitAny(node.items, steps, into)
  else if (node.kind === 'repeat') emitRepeat(node, steps, into)
  else steps.push(node)
}

function emitAny(items: readonly Node[], steps: Step[], into: (item: Node) => void): void {
  const fork = { kind: 'split' as const, to: [] as number[] }
  steps.push(fork)
  const ends = items.map(item => {
    fork.to.push(steps.length)
    into(item)
    const end = { kind: 'split' as const, to: [] as number[] }
    steps.push(end)
    return end
  })
  for (const end of ends) end.to.push(steps.length)
}

function emitRepeat(node: Extract<Node, { kind: 'repeat' }>, steps: Step[], into: (item: Node) => void): void {
  for (let i = 0; i < node.min; i++) into(node.item)
  const forks: { kind: 'split'; to: number[] }[] = []
  const optional = node.max === Number.POSITIVE_INFINITY ? 1 : node.max - node.min
  const first = steps.length
  for (let i = 0; i < optional; i++) {
    const fork = { kind: 'split' as const, to: [steps.length + 1] }
    steps.push(fork)
    forks.push(fork)
    into(node.item)
  }
  if (node.max === Number.POSITIVE_INFINITY) steps.push({ kind: 'split', to: [first] })
  for (const fork of forks) fork.to.push(steps.length)
}

/** Follows every path at once (Thompson, CACM 11:6, 1968): each step is entered at most once a character. */
function run(steps: readonly Step[], codes: readonly number[]): boolean {
  const seenAt = new Int32Array(steps.length).fill(-1)
  const enter = (starts: readonly number[], at: number): { chars: CharStep[]; matched: boolean } => {
    const chars: CharStep[] = []
    const open = [...starts]
    let matched = false
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (seenAt[index] === at) continue
      seenAt[index] = at
      const step = steps[index]
      if (step?.kind === 'char') chars.push({ test: step.test, next: index + 1 })
      else if (step?.kind === 'split') open.push(...step.to)
      else if (step?.kind === 'assert' && holds(step.what, codes[at - 1], codes[at])) open.push(index + 1)
      else if (step?.kind === 'match') matched = true
    }
    return { chars, matched }
  }
  let now = enter([0], 0)
  for (let at = 0; at < codes.length && now.chars.length > 0; at++) {
    const code = codes[at] ?? 0
    const passed = now.chars.filter(step => step.test(code))
    now = enter(
      passed.map(step => step.next),
      at + 1,
    )
    if (at + 1 === codes.length) return now.matched
  }
  return codes.length === 0 && now.matched
}

function codePoints(text: string): readonly number[] {
  return Array.from(text, char => char.codePointAt(0) ?? 0)
}

interface CharStep {
  readonly test: CharTest
  readonly next: number
}

/** `before` and `after` are the code points around the place; undefined at the ends of the text. */
function holds(what: Assertion, before: number | undefined, after: number | undefined): boolean {
  switch (what) {
    case 'start':
      return before === undefined
    case 'end':
      return after === undefined
    case 'line-start':
      return before === undefined || before === 10
    case 'line-end':
      return after === undefined || after === 10
    case 'word':
      return isWord(before) !== isWord(after)
    case 'not-word':
      return isWord(before) === isWord(after)
  }
}

function isWord(code: number | undefined): boolean {
  return code !== undefined && word(code)
}
