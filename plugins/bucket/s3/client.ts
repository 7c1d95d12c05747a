/** The SDK: loaded when the bucket starts, with its own retries, checksums and logs switched off. */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import type { Host } from 'blockgate'
import { concurrencyOf, type S3Options, type S3Sender } from './options.ts'
import type { S3Module } from './sdk.ts'

export interface S3Session {
  readonly module: S3Module
  readonly client: S3Sender
  /** Closes the connections; those of a client that was handed over are its owner's. */
  close(): void
}

/** Any signature is over some region; a store that has none takes this one. */
const ANY_REGION = 'us-east-1'

const quiet = () => {}

/** Loads the SDK, and the light path where it is used; nothing is connected yet. */
export async function openSession(options: S3Options, host: Host): Promise<S3Session> {
  const module = await import('@aws-sdk/client-s3')
  if (options.client) return { module, client: options.client, close: quiet }
  const client = new module.S3Client(clientConfig(options))
  const light = options.sdkOnly ? undefined : await openLight(client, module, options, host)
  if (!light) return { module, client, close: () => client.destroy() }
  return {
    module,
    client: light,
    close() {
      light.close()
      client.destroy()
    },
  }
}

async function openLight(client: S3Client, module: S3Module, options: S3Options, host: Host) {
  const { lightClient } = await import('./light/index.ts')
  return await lightClient(client, module, options, host)
}

/** What the SDK's client shall not do by itself, and what the options say. */
function clientConfig(options: S3Options): S3ClientConfig {
  const { endpoint, credentials, ca } = options
  const region = options.region ?? (endpoint === undefined ? undefined : ANY_REGION)
  const agent = { keepAlive: true, maxSockets: concurrencyOf(options).most }
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials && {
      credentials: {
        accessKeyId: credentials.accessKeyId ?? '',
        secretAccessKey: credentials.secretAccessKey ?? '',
        ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
      },
    }),
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    // retried() tries again: it knows the host's timers, the caller's signal and what may be repeated.
    maxAttempts: 1,
    // Trailing checksums are refused by stores that do not know them, and cost CPU on each body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A put that waits for "100 Continue" gets a connection of its own, without our CA.
    expectContinueHeader: false,
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
    // Options, not a handler: the SDK makes what the runtime has. Time-outs are ours, on the host's timers.
    requestHandler: { httpAgent: agent, httpsAgent: ca === undefined ? agent : { ...agent, ca } },
  }
}
