// How `blockgate query` prints, what it says of a bucket or a server that it cannot read whole, and how it exits.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { main } from '../../src/cli/cli.ts'
import { BROKEN, blockgate, QUICKSTART } from '../support/cli.ts'
import { freePorts } from '../support/free-ports.ts'
import { PARENT, projectWith, withoutProgress } from './world.ts'

/** Of the quickstart's bucket, without its broken block: 30 s between samples. */
const WHEN = ['--start', '2026-10-01T00:00:00Z', '--end', '2026-10-01T00:01:00Z']
const ONE = 'up{cluster="eu", instance="10.0.0.1:9100", job="api"}'
const NAME = 'up{cluster="eu", instance="10.0.0.1:9100", job="api", replica="a"}'
async function queryIn(cwd: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await blockgate(['query', ...args], { cwd })
  return { code, stdout, stderr: withoutProgress(stderr) }
}
const query = (...args: readonly string[]) => queryIn(projectWith('dedup(),').cwd, ...args)

/** On a terminal of this width, in this process: the lines that it shows. */
async function onTerminal(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  let [stdout, stderr] = ['', '']
  const io = {
    stdout: { isTTY: true, columns: 60, write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  }
  const config = join(QUICKSTART, 'blockgate.config.ts')
  const code = await main(['query', '--config', config, ...args], { ...io, env, cwd: QUICKSTART })
  return { code, stdout, stderr: withoutProgress(stderr) }
}

/** Answers each request so. */
async function server(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array) {
  const made = createServer((_, response) => response.writeHead(status, headers).end(body))
  await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void made.close())
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

describe('blockgate query', () => {
  it('prints a table where stdout is no terminal', async () => {
    const { code, stdout, stderr } = await query('--match', ONE, ...WHEN)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`${NAME}
  2026-10-01T00:00:00.000Z  1
  2026-10-01T00:00:30.000Z  1
  2026-10-01T00:01:00.000Z  1
`)
  })

  it('prints CSV, a line for each sample', async () => {
    const { code, stdout } = await query('--match', ONE, '--csv', '--start', '2026-10-01', '--end', '1790812830')
    expect(code).toBe(0)
    const name = `"${NAME.replaceAll('"', '""')}"`
    expect(stdout).toBe(
      `series,time,value\r\n${name},2026-10-01T00:00:00.000Z,1\r\n${name},2026-10-01T00:00:30.000Z,1\r\n`,
    )
  })

  it('reads every block that the pipeline offers, whichever gateway owns it, and writes nothing', async () => {
    const { cwd } = projectWith("dedup(), owned(() => 'denied'),")
    expect(await queryIn(cwd, '--match', ONE, ...WHEN)).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })

  it.each([
    ['--json', '{"status":"success","data":{"resultType":"matrix","result":[]}}\n'],
    ['--csv', 'series,time,value\r\n'],
    [undefined, ''],
  ])('says of which times there are blocks where there is no series (%s)', async (format, wanted) => {
    const { code, stdout, stderr } = await query('--match', 'nope', ...(format ? [format] : []))
    expect([code, stdout]).toEqual([0, wanted])
    const range = 'from 2026-10-01T00:00:00.000Z to 2026-10-01T13:59:30.001Z'
    expect(stderr).toMatch(new RegExp(`^blockgate: no series: \\d+ raw blocks have samples ${range}\n$`))
  })

  it('exits with 1 where a block of the bucket cannot be read, and says which and why', async () => {
    const { code, stdout, stderr } = await queryIn(QUICKSTART, '--match', ONE, ...WHEN, '--json')
    const warning = `1 block cannot be read: ${BROKEN} (meta.json: must be JSON: it ends at byte 120)`
    expect([code, stderr]).toEqual([1, `blockgate: the answer may be short: ${warning}\n`])
    expect(JSON.parse(stdout).warnings).toEqual([warning])
    expect(JSON.parse(stdout).data.result).toHaveLength(1)
  })

  it('exits with 1 where a filter failed', async () => {
    const { cwd } = projectWith(`{ kind: 'block', name: 'fails', handle: (block, next) => {
      if (block.meta.ulid === '${PARENT}') throw new Error('no')
      return next()
    } },`)
    const { code, stderr } = await queryIn(cwd, '--match', ONE, ...WHEN)
    expect(code).toBe(1)
    expect(stderr).toMatch(`the answer may be short: 1 block cannot be read: ${PARENT} (`)
  })

  it('goes on without a damaged block where the config says so, and exits with 1', async () => {
    const { cwd, bucket } = projectWith('dedup(),', '', "serve: { badBlock: 'warn' },")
    const chunks = join(bucket, PARENT, 'chunks/000001')
    writeFileSync(chunks, new Uint8Array(statSync(chunks).size))
    const { code, stdout, stderr } = await queryIn(cwd, '--match', 'up{job="api"}', ...WHEN, '--json')
    expect(code).toBe(1)
    expect(stderr).toContain(
      `the answer may be short: block ${PARENT} cannot be read, so series of it are left out: corrupt-block: `,
    )
    const { warnings, data } = JSON.parse(stdout)
    expect(warnings).toEqual([expect.stringContaining(PARENT)])
    const clusters = data.result.map(({ metric }: { readonly metric: { readonly cluster: string } }) => metric.cluster)
    expect(new Set(clusters)).toEqual(new Set(['us']))
  })

  it('exits with 1 where a time has downsampled blocks alone', async () => {
    const { cwd, bucket } = projectWith('dedup(),')
    const path = join(bucket, PARENT, 'meta.json')
    const meta = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...meta, thanos: { ...meta.thanos, downsample: { resolution: 300_000 } } }))
    for (const child of meta.compaction.sources) rmSync(join(bucket, child), { recursive: true, force: true })
    const { code, stdout, stderr } = await queryIn(cwd, '--match', ONE, ...WHEN)
    const text = `1 block of this time, downsampled and without raw ones, cannot be shown: ${PARENT}`
    expect([code, stdout, stderr.split('\n')[0]]).toEqual([1, '', `blockgate: the answer may be short: ${text}`])
    // Nothing is missing from an answer that is not about the block.
    expect((await queryIn(cwd, '--match', 'up{cluster="us"}', ...WHEN)).code).toBe(0)
  })

  it('exits with 3 where a block that is asked is damaged, and gives no part of an answer as one', async () => {
    const { cwd, bucket } = projectWith('dedup(),')
    const chunks = join(bucket, PARENT, 'chunks/000001')
    writeFileSync(chunks, new Uint8Array(statSync(chunks).size))
    const { code, stdout, stderr } = await queryIn(cwd, '--match', ONE, ...WHEN, '--json')
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/^blockgate: (corrupt-block|bucket-failed): .*chunks\/000001/)
  })

  it.each([
    [['--match', 'up{'], '--match must be a series selector of PromQL: "up{", character 4: '],
    [[], 'query needs --match, which series: --match \'up{job="node"}\''],
    [
      ['--match', 'up', '--start', 'soon'],
      "--start must be a time such as '2026-10-01T06:00:00Z', 1790834400 (seconds since 1970), '-6h' or 'now': current value is \"soon\"",
    ],
    [['--match', 'up', '--end', '2026-13-01'], '--end must be a time such as '],
    [['--match', 'up', '--start', '-6'], '--start must be <= --end: '],
    [['--match', 'up', '--start', 'now', '--end', '-5m'], '--start must be <= --end: current values are '],
    [['--match', 'up', '--step', '0'], "--step must be a time such as '15s' or '5m', >= 1ms: current value is \"0\""],
    [
      ['--match', 'up', '--step', '1ms'],
      '--step must be long enough for at most 1000000 steps: current value is "1ms"',
    ],
    [['--match', 'up', '--json', '--csv'], '--json and --csv must not be given together'],
    [
      ['--match', 'up', '--url', 'localhost:10902'],
      '--url must be one such as http://localhost:10902: current value is "localhost:10902"',
    ],
  ])('exits with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await onTerminal({}, ...args.map(arg => (arg === '-6' ? '99999999999' : arg)))
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`blockgate: ${message}`)
  })
})

describe('blockgate query on a terminal', () => {
  const DAY = ['--start', '2026-10-01T00:00:00Z', '--end', '2026-10-01T02:00:00Z']

  it('draws the first series, each in its colour, and says how many there are', async () => {
    const { stdout } = await onTerminal({}, '--match', 'up', ...DAY)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^ {2}1 ┤/)
    expect(lines[7]).toMatch(/^0\.5 ┤/)
    expect(lines[13]).toMatch(/^ {2}0 ┤/)
    expect(lines[14]).toBe(`    └${'─'.repeat(54)}`)
    expect(lines[15]).toBe('     2026-10-01T00:00:00.000Z      2026-10-01T02:00:00.000Z')
    expect(lines.slice(0, 14).join('')).toContain('\x1b[31m')
    expect(stdout).toContain('\x1b[32m⣀⣀\x1b[39m up{cluster="eu", instance="10.0.0.1:9100", job="api", replica="a"}')
    expect(stdout).toContain('\n   and 12 more: --csv and --json have all\n')
    expect(stdout).toMatch(/\n18 series, 2,178 samples\n$/)
  })

  it.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('has no colours with %j', async env => {
    const { stdout } = await onTerminal(env, '--match', 'up', ...DAY)
    expect(stdout).not.toContain('\x1b')
    // A dumb terminal may not have the characters of a plot either.
    expect(stdout.includes('┤')).toBe(!('TERM' in env))
    expect(stdout).toContain(`${NAME}`)
  })

  it('prints CSV as it does elsewhere', async () => {
    const { stdout } = await onTerminal({}, '--match', ONE, ...WHEN, '--csv')
    expect(stdout.split('\r\n')).toHaveLength(1 + 3 + 1)
  })
})

describe('blockgate query | head', () => {
  it('stops where nobody reads on', async () => {
    const written: string[] = []
    const stdout = {
      get writable() {
        return written.length < 3
      },
      write: (text: string) => written.push(text),
    }
    const config = join(QUICKSTART, 'blockgate.config.ts')
    const args = ['query', '--config', config, '--match', 'up', ...WHEN, '--csv']
    const code = await main(args, { stdout, stderr: { write() {} }, env: {}, cwd: QUICKSTART })
    // The head of the columns, and two of 18 series.
    expect([code, written.length]).toEqual([0, 3])
  })
})

describe('blockgate query --url', () => {
  const ask = async (url: string) => await onTerminal({}, '--match', 'up', '--url', url)

  it('exits with 3 where nothing answers', async () => {
    const [port] = await freePorts(1)
    const { code, stdout, stderr } = await ask(`http://127.0.0.1:${port}/`)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toBe(
      `blockgate: nothing answers at http://127.0.0.1:${port}/api/v1/read: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    )
  })

  it.each([
    ['{"error":{"code":"incomplete","message":"2 blocks"}}', ': incomplete: 2 blocks\n'],
    ['no\nmore', ': no\n'],
    ['', '\n'],
  ])('says why it is refused: %s', async (body, reason) => {
    const url = await server(503, {}, body)
    expect(await ask(url)).toMatchObject({
      code: 3,
      stderr: `blockgate: ${url}/api/v1/read answers with 503${reason}`,
    })
  })

  it.each([
    ['text/html', 'x', ' must answer with chunks (STREAMED_XOR_CHUNKS): it has text/html'],
    [
      'application/x-streamed-protobuf',
      Uint8Array.of(1, 0, 0, 0, 0, 9),
      ' cannot be read: a frame of the answer must have the CRC-32C 0: ',
    ],
    [
      'application/x-streamed-protobuf',
      Uint8Array.of(9, 0, 0),
      ' cannot be read: a frame of the answer must end where the answer ends',
    ],
    [
      'application/x-streamed-protobuf',
      new Uint8Array(9).fill(0xff),
      ' cannot be read: a frame of the answer must have <= 50000000 bytes',
    ],
  ])('exits with 3 for an answer that is none: %s %j', async (type, body, message) => {
    const { code, stdout, stderr } = await ask(await server(200, { 'content-type': type }, body))
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain(message)
  })

  it('tells what a gateway warns of, and exits with 1', async () => {
    const headers = {
      'content-type': 'application/x-streamed-protobuf',
      'x-blockgate-warnings': '2 blocks are missing',
    }
    const { code, stderr } = await ask(await server(200, headers, ''))
    expect(code).toBe(1)
    expect(stderr).toBe('blockgate: the answer may be short: 2 blocks are missing\nblockgate: no series\n')
  })

  it('sends the user of the URL as HTTP asks for it', async () => {
    let authorization: string | undefined
    const made = createServer((request, response) => {
      authorization = request.headers.authorization
      response.writeHead(200, { 'content-type': 'application/x-streamed-protobuf; proto=x' }).end()
    })
    await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void made.close())
    const { code, stderr } = await ask(`http://me:p%40ss@127.0.0.1:${(made.address() as AddressInfo).port}/prom`)
    expect([code, stderr]).toEqual([0, 'blockgate: no series\n'])
    expect(authorization).toBe(`Basic ${btoa('me:p@ss')}`)
  })
})
