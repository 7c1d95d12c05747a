import { expect, it } from 'vitest'
import { Questions, type Round, type Told } from './questions.ts'

const ALL: Told = { kind: 'answer', text: 'all of it' }
const REFUSED: Told = { kind: 'refused' }

function asked() {
  const violations: string[] = []
  const questions = new Questions({ right: 'all of it', overlapMs: 1_000, onViolation: text => violations.push(text) })
  const judge = (told: Readonly<Record<string, Told>>, round: Partial<Round> = {}) =>
    questions.judge({ block: 'a', from: 0, to: 100, crashed: false, told: new Map(Object.entries(told)), ...round })
  return { questions, violations, judge }
}

it('is content where one gateway answers, and the others refuse or are away', () => {
  const { questions, violations, judge } = asked()
  judge({ one: ALL, two: REFUSED, three: { kind: 'away' } })
  judge({ one: REFUSED, two: ALL, three: ALL })
  expect([violations, questions.rounds, questions.answers]).toEqual([[], 2, 3])
})

it('finds an answer that is not all of it, also where another gateway gives all', () => {
  const { questions, violations, judge } = asked()
  judge({ one: ALL, two: { kind: 'answer', text: 'half of it' } })
  expect([violations, questions.short]).toEqual([['two gave a short answer for a: half of it, and not all of it'], 1])
})

it('finds a question that nobody answers, once somebody has', () => {
  const { questions, violations, judge } = asked()
  judge({ one: REFUSED, two: REFUSED })
  expect(violations).toEqual([])
  judge({ one: ALL, two: REFUSED })
  judge({ one: REFUSED, two: { kind: 'away' } }, { block: 'b' })
  expect(violations).toEqual([])
  judge({ one: REFUSED, two: { kind: 'away' } })
  expect([violations, questions.unanswered]).toEqual([
    ['nobody answered for a within 100 ms: one refused, two away'],
    1,
  ])
  questions.forget()
  judge({ one: REFUSED })
  expect(violations).toHaveLength(1)
})

it('finds a question that nobody answers, once every block was served', () => {
  const { questions, violations, judge } = asked()
  questions.served()
  judge({ one: REFUSED })
  expect(violations).toEqual(['nobody answered for a within 100 ms: one refused'])
  questions.forget()
  judge({ one: REFUSED })
  expect(violations).toHaveLength(1)
})

it('is not sure after a crash, and where the answers took as long as old and new server overlap', () => {
  const { questions, violations, judge } = asked()
  judge({ one: ALL })
  judge({ one: REFUSED }, { crashed: true })
  judge({ one: REFUSED }, { to: 1_000 })
  expect([violations, questions.unsure]).toEqual([[], 2])
  judge({ one: REFUSED }, { to: 999 })
  expect(violations).toHaveLength(1)
})

it('finds a gateway that fails rather than refuses', () => {
  const { violations, judge } = asked()
  judge({ one: ALL, two: { kind: 'failed', why: '500 the file is gone' } })
  expect(violations).toEqual(['two must answer or refuse to, for a: 500 the file is gone'])
})
