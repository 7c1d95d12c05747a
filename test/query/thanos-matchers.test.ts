// The vectors of Thanos' acceptance tests of stores (pkg/store/acceptance_test.go): series, names and values that matchers select.
import { describe, expect, it } from 'vitest'
import { asking } from './asked.ts'
import type { Given } from './sink-of.ts'

const RANGE = { from: 0, to: 1000 }
const EU = { region: 'eu-west' }
const block = (...series: readonly Readonly<Record<string, string>>[]): Given => ({
  labels: EU,
  series: series.map(labels => [labels, [[5, 1]]]),
})

describe('series with and without a label', () => {
  /** By the letter that stands for each below. */
  const SERIES = { A: { i: 'a', n: '1' }, B: { i: 'b', n: '1' }, N: { n: '1' }, 2: { n: '2' }, 5: { n: '2.5' } }
  const letterOf = (labels: string) =>
    Object.entries(SERIES).find(([, each]) => {
      return labels === [...Object.entries(each), ['region', 'eu-west']].map(pair => pair.join('=')).join()
    })?.[0]
  const store = asking([block(...Object.values(SERIES))], RANGE)

  it.each([
    ['n="1"', 'A B N'],
    ['n="1",i="a"', 'A'],
    ['n="1",i="missing"', ''],
    ['missing=""', 'A B N 2 5'],
    ['n!="1"', '2 5'],
    ['i=~".+"', 'A B'],
    ['i=~".*"', 'A B N 2 5'],
    ['i=""', 'N 2 5'],
    ['i!=""', 'A B'],
    ['missing!=""', ''],
    ['n="1",i!="a"', 'B N'],
    ['n=~"^1$"', 'A B N'],
    ['n="1",i=~"^a$"', 'A'],
    ['n="1",i=~"^a?$"', 'A N'],
    ['i=~"^$"', 'N 2 5'],
    ['n="1",i=~"^$"', 'N'],
    ['n="1",i=~"^.*$"', 'A B N'],
    ['n="1",i=~"^.+$"', 'A B'],
    ['n!~"^1$"', '2 5'],
    ['n!~"1"', '2 5'],
    ['n!~"1|2.5"', '2'],
    ['n!~"(1|2.5)"', '2'],
    ['n="1",i!~"^a$"', 'B N'],
    ['n="1",i!~"^a?$"', 'B'],
    ['n="1",i!~"^$"', 'A B'],
    ['n="1",i!~"^.*$"', ''],
    ['n="1",i!~"^.+$"', 'N'],
    ['n="1",i!="",i="a"', 'A'],
    ['n="1",i!="b",i=~"^(b|a).*$"', 'A'],
    ['n=~"(1|2)"', 'A B N 2'],
  ])('{%s} selects %j', async (text, letters) => {
    const wanted = letters.split(' ').filter(each => each !== '')
    expect((await store.series(text)).map(([labels]) => letterOf(labels)).toSorted(byOrder)).toEqual(wanted)
    expect((await store.labelSets(text)).map(letterOf).toSorted(byOrder)).toEqual(wanted)
    const named = new Set(wanted.flatMap(each => Object.keys(SERIES[each as keyof typeof SERIES])))
    expect(await store.names(text)).toEqual(wanted.length === 0 ? [] : [...named, 'region'].sort())
    const values = new Set(wanted.map(each => SERIES[each as keyof typeof SERIES].n))
    expect(await store.values('n', text)).toEqual([...values].sort())
    expect(await store.values('region', text)).toEqual(wanted.length === 0 ? [] : ['eu-west'])
  })

  const byOrder = (a: string | undefined, b: string | undefined) => 'ABN25'.indexOf(a ?? '') - 'ABN25'.indexOf(b ?? '')
})

it('a store without blocks, and one whose block has no series, have no names but those of the block', async () => {
  expect(await asking([], RANGE).names(undefined)).toEqual([])
  expect(await asking([], RANGE).values('foo', undefined)).toEqual([])
  expect(await asking([block()], RANGE).values('foo', undefined)).toEqual([])
  expect(await asking([block()], RANGE).series('region="eu-west"')).toEqual([])
})

it('names are those of series and of their blocks, in order', async () => {
  const store = asking([block({ foo: 'foovalue1' }, { foo: 'foovalue2' }, { bar: 'barvalue1' })], RANGE)
  expect(await store.names(undefined)).toEqual(['bar', 'foo', 'region'])
  expect(await store.names('bar="barvalue1"')).toEqual(['bar', 'region'])
  expect(await store.names('bar="different"')).toEqual([])
  expect(await store.values('foo', undefined)).toEqual(['foovalue1', 'foovalue2'])
  expect(await store.values('foo', 'foo!="foovalue1"')).toEqual(['foovalue2'])
  expect(await store.values('region', undefined)).toEqual(['eu-west'])
  expect(await store.values('region', 'foo="different"')).toEqual([])
  expect(await store.values('region', 'foo="foovalue1"')).toEqual(['eu-west'])
})

it('where a series has a label of its block, the value of the block wins, with and without chunks', async () => {
  const store = asking([block({ foo: 'foovalue1', region: 'somewhere' })], RANGE)
  expect(await store.names(undefined)).toEqual(['foo', 'region'])
  expect(await store.values('region', undefined)).toEqual(['eu-west'])
  expect(await store.values('region', 'foo="foovalue1"')).toEqual(['eu-west'])
  expect(await store.series('foo="foovalue1"')).toEqual([['foo=foovalue1,region=eu-west', 1]])
  expect(await store.labelSets('region="eu-west"')).toEqual(['foo=foovalue1,region=eu-west'])
  expect(await store.series('region="somewhere"')).toEqual([])
})

it('matchers that are against a label of the block leave it out', async () => {
  const store = asking(
    [block({ bar: '1', instance: 'a' }), { ...block({ bar: '2', instance: 'b' }), labels: { region: 'us-east' } }],
    RANGE,
  )
  expect(await store.names('region!="us-east"')).toEqual(['bar', 'instance', 'region'])
  expect(await store.values('bar', 'region!="us-east"')).toEqual(['1'])
  expect(await store.values('region', 'region!~"eu-.*"')).toEqual(['us-east'])
  expect(await store.values('instance', 'region=~".*-.*",region!="nowhere"')).toEqual(['a', 'b'])
  expect(await store.values('bar', 'region!~".*"')).toEqual([])
})

it('values of a label of the metrics of one name', async () => {
  const info = { __name__: 'kube_pod_info', uid: '1' }
  const store = asking([block({ ...info, pod: 'a' }, { ...info, pod: 'b' }, info, { __name__: 'up', pod: 'c' })], RANGE)
  expect(await store.values('pod', '__name__="kube_pod_info"')).toEqual(['a', 'b'])
  expect(await store.values('pod', '__name__=~"kube_.*",pod!=""')).toEqual(['a', 'b'])
  expect(await store.values('pod', '__name__="kube_pod_info",pod=""')).toEqual([])
})
