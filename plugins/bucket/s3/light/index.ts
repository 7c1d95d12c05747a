/** The light path: loaded when a bucket starts that uses it. */
import type { S3Client } from '@aws-sdk/client-s3'
import { durationMs, type Host } from 'blockgate'
import type { S3Options } from '../options.ts'
import type { S3Module } from '../sdk.ts'
import { LightClient } from './client.ts'
import { fetchTransport } from './fetch.ts'
import type { Transport } from './transport.ts'
import { undiciTransport } from './undici.ts'

/** A client that sends listings and reads itself, and all else through `client`. Undefined where only the SDK does what the options say. */
export async function lightClient(
  client: S3Client,
  module: S3Module,
  options: S3Options,
  host: Host,
): Promise<LightClient | undefined> {
  const transport = await transportOf(options)
  return transport && new LightClient(client, module, options.bucket ?? '', transport, host)
}

async function transportOf({ ca, requestTimeout }: S3Options): Promise<Transport | undefined> {
  if (navigator.userAgent.startsWith('Node.js/')) {
    return await undiciTransport({ ca, connectTimeoutMs: durationMs(requestTimeout, '30s') })
  }
  // fetch takes no certificates.
  return ca === undefined ? fetchTransport() : undefined
}
