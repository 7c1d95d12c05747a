/** How the light path reaches a store: undici on Node, fetch elsewhere. */

/** A GET that is ready to send. */
export interface SignedGet {
  /** `https://host:port`, without a path. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** The head of an answer, and its body: to be read to the end, or destroyed. */
export interface Answer {
  readonly status: number
  /** By its name in lower case. */
  header(name: string): string | undefined
  readonly body: AnswerBody
}

/** The bytes of an answer, as they come. */
export interface AnswerBody {
  /** The next bytes; undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  /** Lets go of what was not read: its connection is closed. Nothing happens where all was read. */
  destroy(): void
}

export interface Transport {
  /** @throws what the runtime says of a connection that failed, with a `code` as Node gives it; the signal's reason */
  send(request: SignedGet): Promise<Answer>
  /** Closes the connections. */
  close(): void
}

/** All of `body`, as text. @throws Error where it has more than `limit` bytes, of which none is kept then */
export async function textOf(body: AnswerBody, limit: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
    size += chunk.length
    if (size > limit) {
      body.destroy()
      throw new Error(`the answer has more than ${limit} bytes`)
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
