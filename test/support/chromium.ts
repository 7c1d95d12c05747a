/** A real Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) over the WebSocket of Node. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Browser {
  page(): Promise<BrowserPage>
  close(): Promise<void>
}

export interface BrowserPage {
  send<T = Record<string, unknown>>(method: string, params?: object): Promise<T>
  /** Goes there, and waits until it is loaded. */
  open(url: string): Promise<void>
  /** An expression in the page; a promise is waited for. @throws Error with what it threw */
  evaluate<T>(expression: string): Promise<T>
  /** A PNG of what is seen. */
  picture(): Promise<Uint8Array>
  /** What the console, a failed load or an exception said since the page was opened. */
  readonly complaints: string[]
}

interface Message {
  readonly id?: number
  readonly sessionId?: string
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Needs `chromium` on the PATH. */
export async function startChromium(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'blockgate-chromium-'))
  const child = spawn(
    'chromium',
    [
      '--headless=new',
      // As root it has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ...['--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run', '--disable-extensions'],
      ...['--disable-background-networking', '--disable-component-update', '--font-render-hinting=none'],
      ...[
        '--force-color-profile=srgb',
        '--disable-lcd-text',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
      ],
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const socket = new WebSocket(await endpoint(child.stderr))
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const listeners = new Set<(message: Message) => void>()
  let last = 0
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    const asked = message.id === undefined ? undefined : waiting.get(message.id)
    if (!asked) {
      for (const listener of listeners) listener(message)
      return
    }
    waiting.delete(message.id as number)
    if (message.error) asked.reject(new Error(message.error.message))
    else asked.resolve(message.result)
  }
  const call = (method: string, params: object = {}, sessionId?: string) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(++last, { resolve, reject })
      socket.send(JSON.stringify({ id: last, method, params, ...(sessionId !== undefined && { sessionId }) }))
    })
  return {
    async page() {
      const { targetId } = (await call('Target.createTarget', { url: 'about:blank' })) as { targetId: string }
      const attached = await call('Target.attachToTarget', { targetId, flatten: true })
      const { sessionId } = attached as { sessionId: string }
      return await pageOf((method, params) => call(method, params, sessionId), sessionId, listeners)
    },
    async close() {
      socket.close()
      child.kill('SIGKILL')
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

async function endpoint(stderr: AsyncIterable<unknown>): Promise<string> {
  let printed = ''
  for await (const text of stderr) {
    printed += text
    const [, url] = /DevTools listening on (\S+)/.exec(printed) ?? []
    if (url) return url
  }
  throw new Error(`chromium must say where it listens: it printed\n${printed}`)
}

async function pageOf(
  call: (method: string, params?: object) => Promise<unknown>,
  session: string,
  listeners: Set<(message: Message) => void>,
): Promise<BrowserPage> {
  const complaints: string[] = []
  let onLoad = () => {}
  listeners.add(({ method, params, sessionId }) => {
    if (sessionId !== session) return
    if (method === 'Page.loadEventFired') onLoad()
    else if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params))
    else if (method === 'Runtime.consoleAPICalled' && params?.type !== 'log') complaints.push(JSON.stringify(params))
    else if (method === 'Log.entryAdded') complaints.push(JSON.stringify(params?.entry))
  })
  await Promise.all(['Page.enable', 'Runtime.enable', 'Log.enable'].map(method => call(method)))
  return {
    complaints,
    send: async (method, params) => (await call(method, params)) as never,
    async open(url) {
      const loaded = new Promise<void>(resolve => {
        onLoad = resolve
      })
      await call('Page.navigate', { url })
      await loaded
    },
    async evaluate(expression) {
      const answer = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
      const { result, exceptionDetails } = answer as { result: { value: never }; exceptionDetails?: object }
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
      return result.value
    },
    async picture() {
      const { data } = (await call('Page.captureScreenshot', { format: 'png' })) as { data: string }
      return Buffer.from(data, 'base64')
    },
  }
}
