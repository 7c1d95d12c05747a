/** Listings and reads without the SDK's middleware, which costs several times what the request does. All else goes to the SDK. */
import type {
  GetObjectCommandInput,
  ListObjectsCommandInput,
  ListObjectsV2CommandInput,
  S3Client,
} from '@aws-sdk/client-s3'
import type { Host } from 'blockgate'
import type { S3Sender } from '../options.ts'
import type { S3Module } from '../sdk.ts'
import { errorOf, isGood, listingOf, objectOf } from './answers.ts'
import { StoreClock } from './clock.ts'
import { endpointOf, type LightEndpoint } from './endpoint.ts'
import { encoded, encodedKey, Signer } from './signature.ts'
import type { Answer, Transport } from './transport.ts'

/** What is asked of an endpoint, and how it is signed. */
interface Light {
  readonly endpoint: LightEndpoint
  readonly signer: Signer
}

/** Takes the commands of the SDK, and gives its outputs and errors: whoever sends does not see the difference. */
export class LightClient implements S3Sender {
  readonly #client: S3Client
  readonly #sdk: S3Module
  readonly #bucket: string
  readonly #transport: Transport
  readonly #clock: StoreClock
  #light: Promise<Light | undefined> | undefined

  constructor(client: S3Client, sdk: S3Module, bucket: string, transport: Transport, host: Host) {
    this.#client = client
    this.#sdk = sdk
    this.#bucket = bucket
    this.#transport = transport
    this.#clock = new StoreClock(host)
  }

  async send(command: unknown, { abortSignal }: { readonly abortSignal: AbortSignal }): Promise<unknown> {
    const { GetObjectCommand, ListObjectsV2Command, ListObjectsCommand } = this.#sdk
    if (command instanceof GetObjectCommand) {
      const answer = await this.#get(objectPath(command.input), '', command.input.Range, abortSignal)
      if (answer) return objectOf(answer)
    } else if (command instanceof ListObjectsV2Command || command instanceof ListObjectsCommand) {
      const query = listQuery(command.input, command instanceof ListObjectsV2Command)
      const answer = await this.#get('', query, undefined, abortSignal)
      if (answer) return await listingOf(answer)
    }
    return await this.#client.send(command as never, { abortSignal })
  }

  close(): void {
    this.#transport.close()
  }

  /** Undefined where the endpoint is none for the light path. `path` is below the bucket. */
  async #get(path: string, query: string, range: string | undefined, signal: AbortSignal): Promise<Answer | undefined> {
    const light = await this.#ready()
    if (!light) return undefined
    const { endpoint, signer } = light
    // The SDK keeps them, and gets new ones before they expire.
    const credentials = await this.#client.config.credentials()
    const request = { host: endpoint.host, path: endpoint.base + path, query, range }
    const headers = signer.sign(request, credentials, this.#clock.now())
    const answer = await this.#transport.send({
      origin: endpoint.origin,
      path: query === '' ? request.path : `${request.path}?${query}`,
      headers: { ...headers, 'user-agent': 'blockgate' },
      signal,
    })
    if (isGood(answer)) return answer
    this.#clock.see(answer)
    throw await errorOf(answer)
  }

  /** What is found out once; a failure, such as credentials that are not there yet, is not kept. */
  async #ready(): Promise<Light | undefined> {
    this.#light ??= endpointOf(this.#client, this.#sdk, this.#bucket).then(
      endpoint => endpoint && { endpoint, signer: new Signer(endpoint.region) },
    )
    try {
      return await this.#light
    } catch (error) {
      this.#light = undefined
      throw error
    }
  }
}

function objectPath({ Key = '' }: GetObjectCommandInput): string {
  return encodedKey(Key)
}

/** Sorted by name, as the signature wants it. */
function listQuery(input: ListObjectsV2CommandInput & ListObjectsCommandInput, isV2: boolean): string {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['continuation-token', input.ContinuationToken],
    ['delimiter', input.Delimiter],
    ['encoding-type', input.EncodingType],
    ['list-type', isV2 ? '2' : undefined],
    ['marker', input.Marker],
    ['prefix', input.Prefix],
    ['start-after', input.StartAfter],
  ]
  return given.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encoded(value)}`])).join('&')
}
