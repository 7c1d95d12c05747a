/** Real files into a real S3 server, for tests and benchmarks. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { RadosgwAccess } from './radosgw.ts'

/** Puts side by side. */
const LANES = 16

/** Makes the bucket and puts every file below `root` into it, its path being its key. */
export async function putFolder(
  { endpoint, accessKeyId, secretAccessKey }: Omit<RadosgwAccess, 'conf'>,
  bucket: string,
  root: string,
): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const lane = async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      const path = join(file.parentPath, file.name)
      const Key = path.slice(root.length + 1)
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: readFileSync(path) }))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  client.destroy()
}
