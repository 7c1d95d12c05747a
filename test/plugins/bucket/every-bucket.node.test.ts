// What holds of every bucket plugin. The conformance tests run each of them with a prefix too.
import type { Bucket } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { memory } from 'blockgate/plugins/bucket/memory'
import { type R2Binding, r2 } from 'blockgate/plugins/bucket/r2'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { describe, expect, it } from 'vitest'

const call = async () => expect.fail('nothing is to be asked')
const binding = { head: call, get: call, put: call, delete: call, list: call } as unknown as R2Binding

const FACTORIES: readonly (readonly [string, (options: never) => Bucket, object])[] = [
  ['fs', fs, { root: '/var/lib/blocks' }],
  ['memory', memory, {}],
  ['r2', r2, { binding }],
  ['s3', s3, { bucket: 'metrics' }],
]

describe.each(FACTORIES)('%s()', (_, factory, options) => {
  const make = (prefix: unknown) => factory({ ...options, prefix } as never)

  it('takes a folder as its prefix, with or without the last slash, and none', () => {
    for (const prefix of ['team-a', 'team-a/blocks/', '', undefined]) expect(make(prefix).check?.()).toEqual([])
  })

  it.each([
    ['/team-a', "have no empty segment, and no '/' at either end"],
    ['team-a/../b', "have no '.' or '..' segment"],
    [7, 'be a string'],
    [null, 'be a string'],
    [{ toString: null }, 'be a string'],
  ])('reports the prefix %j once, as one that must %s', (prefix, must) => {
    expect(make(prefix).check?.()).toEqual([{ path: 'prefix', must, value: prefix }])
  })

  it('never throws, whatever it is given', () => {
    for (const given of [undefined, null, 7, 'text', { prefix: Symbol('a') }, { bucket: Symbol('a') }]) {
      const bucket = factory(given as never)
      if (given !== undefined) expect(bucket.check?.()).not.toEqual([])
    }
  })

  it('shows the options it was given', () => {
    expect(make('team-a').options).toEqual({ ...options, prefix: 'team-a' })
  })
})

describe('the identity of a bucket', () => {
  it.each<[Partial<S3Options>, string | undefined]>([
    [{}, 's3://metrics'],
    [{ prefix: 'a' }, 's3://metrics/a'],
    [{ prefix: 'a/' }, 's3://metrics/a'],
    [{ endpoint: 'http://minio:9000' }, 's3://minio:9000/metrics'],
    [{ endpoint: 'HTTP://MINIO:9000/' }, 's3://minio:9000/metrics'],
    [{ endpoint: 'https://minio:9000' }, 's3://minio:9000/metrics'],
    [{ endpoint: 'http://minio/a' }, 's3://minio/a/metrics'],
    [{ endpoint: 'https://ceph:443' }, 's3://ceph/metrics'],
    [{ endpoint: 'http://ceph:80/' }, 's3://ceph/metrics'],
    // At any endpoint of AWS the name alone: there it is unique.
    [{ endpoint: 'https://s3.eu-central-1.amazonaws.com' }, 's3://metrics'],
    [{ endpoint: 'https://s3.dualstack.us-west-2.amazonaws.com' }, 's3://metrics'],
    [{ endpoint: 'https://amazonaws.com.example.org' }, 's3://amazonaws.com.example.org/metrics'],
    [{ endpoint: 'http://outside', identity: 'prod', prefix: 'a' }, 'prod/a'],
    // Nobody knows.
    [{ client: { send: async () => ({}) } }, undefined],
    [{ endpoint: 'not a URL' }, undefined],
  ])('with %o is %s', (options, identity) => {
    expect(s3({ bucket: 'metrics', ...options }).identity).toBe(identity)
  })
})
