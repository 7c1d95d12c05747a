// The YAML of a Thanos at a real store.
import { s3 } from 'blockgate/plugins/bucket/s3'
import { thanosObjstore } from 'blockgate/plugins/bucket/thanos-objstore'
import { services } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { access, newBucket, onRealClock } from '../../support/s3-buckets.ts'

it.each(['v1', 'v2'])('thanosObjstore() reads from radosgw what s3() wrote there, by lists of %s', async version => {
  const { signal } = new AbortController()
  const { endpoint = '', credentials } = access()
  const { host } = new URL(endpoint)
  const name = await newBucket()
  const writer = s3({ ...access(), bucket: name })
  await writer.start?.(services({ bucket: writer }))
  await writer.put('team-a/one', Uint8Array.of(1, 2, 3), { signal })
  const yaml = `type: S3
config:
  bucket: ${name}
  endpoint: ${host}
  insecure: true
  access_key: $(KEY)
  secret_key: $(SECRET)
  list_objects_version: ${version}
prefix: /team-a/
`
  const env = { KEY: credentials?.accessKeyId, SECRET: credentials?.secretAccessKey }
  const bucket = onRealClock(thanosObjstore({ yaml, env }))
  expect(bucket.check?.()).toEqual([])
  await bucket.start?.(services({ bucket }))
  expect((await bucket.list('', { signal })).objects.map(({ key }) => key)).toEqual(['one'])
  await using body = await bucket.get('one', { range: { offset: 1, length: 2 }, signal })
  expect(await body?.bytes(2)).toEqual(Uint8Array.of(2, 3))
  await Promise.all([writer.stop?.(signal), bucket.stop?.(signal)])
})
