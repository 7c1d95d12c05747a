/** Answers of a store as the SDK gives them: the same outputs, and the same errors. */
import type { GetObjectCommandOutput, ListObjectsCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { type Answer, textOf } from './transport.ts'
import { childText, readXml, type XmlElement } from './xml.ts'

/** A page of both versions. */
export type ListOutput = ListObjectsV2CommandOutput & ListObjectsCommandOutput
/** Its `Body` is an `AnswerBody`. */
export type GetOutput = Omit<GetObjectCommandOutput, 'Body'> & { readonly Body: Answer['body'] }

/** A page of 1,000 keys, each of 1,024 bytes that are all escaped, has 4 MB. */
const MAX_PAGE = 16 << 20
const MAX_ERROR = 64 << 10

/** What the store says of itself: the SDK calls it so, too. */
interface Metadata {
  readonly httpStatusCode: number
  readonly requestId?: string
  readonly extendedRequestId?: string
}

/** An answer that is an error, in the form in which the SDK throws it. */
class StoreError extends Error {
  readonly Code: string | undefined
  readonly $metadata: Metadata
  readonly $response: { readonly headers: Readonly<Record<string, string>> }

  constructor(answer: Answer, said: XmlElement | undefined) {
    super((said && childText(said, 'Message')) ?? '')
    this.Code = (said && childText(said, 'Code')) || undefined
    const requestId = said && childText(said, 'RequestId')
    this.$metadata = { ...(requestId && { requestId }), ...metadataOf(answer) }
    const headers: Record<string, string> = {}
    for (const name of ['retry-after', 'x-amz-bucket-region']) {
      const value = answer.header(name)
      if (value !== undefined) headers[name] = value
    }
    this.$response = { headers }
  }
}

export function isGood({ status }: Answer): boolean {
  return status < 300
}

/** What to throw for `answer`, which is no good one. Its body is read, as far as it is an error of S3. */
export async function errorOf(answer: Answer): Promise<unknown> {
  let said: XmlElement | undefined
  try {
    said = readXml(await textOf(answer.body, MAX_ERROR))
  } catch {
    // Something in between has answered, or it was cut short: the status is what is known.
  }
  return new StoreError(answer, said?.name === 'Error' ? said : undefined)
}

export function objectOf(answer: Answer): GetOutput {
  const length = answer.header('content-length')
  const modified = answer.header('last-modified')
  return {
    $metadata: metadataOf(answer),
    Body: answer.body,
    ContentLength: length === undefined ? undefined : Number(length),
    ContentRange: answer.header('content-range'),
    ETag: answer.header('etag'),
    LastModified: modified === undefined ? undefined : new Date(modified),
  }
}

/** @throws StoreError where it is no page; the error of a body that broke */
export async function listingOf(answer: Answer): Promise<ListOutput> {
  const text = await textOf(answer.body, MAX_PAGE)
  let root: XmlElement
  try {
    root = readXml(text)
  } catch {
    throw new StoreError(answer, undefined)
  }
  if (root.name !== 'ListBucketResult') throw new StoreError(answer, root.name === 'Error' ? root : undefined)
  const truncated = childText(root, 'IsTruncated')
  const count = childText(root, 'KeyCount')
  return {
    $metadata: metadataOf(answer),
    IsTruncated: truncated === 'true' || (truncated === 'false' ? false : undefined),
    KeyCount: count === undefined ? undefined : Number(count),
    EncodingType: childText(root, 'EncodingType') === 'url' ? 'url' : undefined,
    NextContinuationToken: childText(root, 'NextContinuationToken'),
    NextMarker: childText(root, 'NextMarker'),
    Contents: root.children.filter(({ name }) => name === 'Contents').map(contentOf),
    CommonPrefixes: root.children
      .filter(({ name }) => name === 'CommonPrefixes')
      .map(common => ({ Prefix: childText(common, 'Prefix') })),
  }
}

type Content = NonNullable<ListOutput['Contents']>[number]

/** What is no number or no time is as good as missing. */
function contentOf({ children }: XmlElement): Content {
  const content: { -readonly [name in keyof Content]: Content[name] } = {}
  for (const { name, text } of children) {
    if (name === 'Key') content.Key = text
    else if (name === 'ETag') content.ETag = text
    else if (name === 'Size') content.Size = text === '' ? Number.NaN : Number(text)
    else if (name === 'LastModified') content.LastModified = new Date(text)
  }
  return content
}

function metadataOf(answer: Answer): Metadata {
  const requestId = answer.header('x-amz-request-id') ?? answer.header('x-amzn-requestid')
  const extendedRequestId = answer.header('x-amz-id-2')
  return {
    httpStatusCode: answer.status,
    ...(requestId !== undefined && { requestId }),
    ...(extendedRequestId !== undefined && { extendedRequestId }),
  }
}
