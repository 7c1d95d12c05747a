#!/usr/bin/env bash
# versitygw 1.7.0, posix backend: several of those who create one object with If-None-Match: * at once are told that they did.
#
# Guessed:  a server that answers 412 to If-None-Match: * of an object that exists has one winner in every race.
# Seen:     one after the other it is right: 200, then 412. Of 30 races of 20 writers, several races have two or more that were
#           answered 200; the object holds the bytes of one of them. 1.8.0 has one winner in each race.
# Matters:  a lock, a marker or a checkpoint that is created by a conditional put has two owners, and each has it in writing.
#           A test that puts twice in a row passes.
set -euo pipefail
command -v go >/dev/null || { echo 'needs go' >&2; exit 2; }
work=$(mktemp -d) && cd "$work"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @aws-sdk/client-s3@3.1169.0
cat > race.mjs <<'JS'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
const [endpoint, version] = process.argv.slice(2)
const client = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  maxAttempts: 1,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  credentials: { accessKeyId: 'finding', secretAccessKey: 'finding-secret' },
})
await client.send(new CreateBucketCommand({ Bucket: 'races' }))
const put = (Key, Body) =>
  client.send(new PutObjectCommand({ Bucket: 'races', Key, Body, IfNoneMatch: '*' })).then(
    () => 200,
    error => error.$metadata?.httpStatusCode,
  )
const alone = [await put('alone', 'first'), await put('alone', 'second')]
let lost = 0
for (let round = 0; round < 30; round++) {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => put(`race-${round}`, `writer ${n}`)))
  if (answers.filter(status => status === 200).length > 1) lost++
}
console.log(`versitygw ${version}: alone ${alone.join(' then ')}; ${lost} of 30 races have several winners`)
const expected = version === '1.7.0' ? lost > 0 : lost === 0
if (alone.join() !== '200,412' || !expected) process.exitCode = 1
JS
for version in 1.7.0 1.8.0; do
  GOBIN="$work/$version" go install "github.com/versity/versitygw/cmd/versitygw@v$version"
  mkdir "data-$version"
  port=$(node -e "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})")
  ROOT_ACCESS_KEY=finding ROOT_SECRET_KEY=finding-secret "$work/$version/versitygw" --port "127.0.0.1:$port" posix "$work/data-$version" >log 2>&1 &
  pid=$!
  for _ in $(seq 60); do curl -s "http://127.0.0.1:$port/" >/dev/null && break; sleep 1; done
  NODE_NO_WARNINGS=1 node race.mjs "http://127.0.0.1:$port" "$version"
  kill "$pid" && wait "$pid" 2>/dev/null || true
  pid=
done
