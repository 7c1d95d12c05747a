/** A real S3 server for tests and benchmarks: Ceph's radosgw on a cluster of its own, in memory, on free ports. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { type CephPlace, cephConf, monitorAddress } from './radosgw/ceph-conf.ts'
import { type Daemon, run, startDaemon, until } from './radosgw/daemon.ts'

/** How to reach it; plain data, so that it can be handed to another process. */
export interface RadosgwAccess {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The cluster's configuration, for another gateway onto it: `startGateway()`. */
  readonly conf: string
}

export interface Radosgw extends RadosgwAccess, AsyncDisposable {
  /** Ends every process of it and removes its folder. Safe twice. */
  stop(): Promise<void>
}

/** One S3 gateway process. The objects are in the cluster and survive it. */
export interface S3Gateway extends AsyncDisposable {
  readonly endpoint: string
  /** Kills the process: requests in flight break, new ones are refused. */
  stop(): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
}

const PREFIX = 'blockgate-radosgw-'
const KEYS = { accessKeyId: 'blockgate', secretAccessKey: 'not-a-secret' }

/**
 * Starts a cluster and a gateway, with a user who may make buckets. It ends with `stop()`, or with this process.
 * @throws Error that says what failed, with the last words of the process that failed
 */
export async function startRadosgw(): Promise<Radosgw> {
  sweep()
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const stops: (() => Promise<void>)[] = []
  let stopped: Promise<void> | undefined
  const removeFolder = () => rmSync(folder, { recursive: true, force: true })
  // process.exit() within a run: the kernel ends the servers, nobody else would remove the folder.
  process.once('exit', removeFolder)
  const stop = () => {
    stopped ??= (async () => {
      for (const each of stops.reverse()) await each()
      removeFolder()
      process.off('exit', removeFolder)
    })()
    return stopped
  }
  try {
    const conf = await startCluster(folder, daemon => stops.push(() => daemon.stop()))
    const env = cephEnv(conf)
    const user = ['user', 'create', '--uid=blockgate', '--display-name=blockgate']
    await run(
      'radosgw-admin',
      [...user, `--access-key=${KEYS.accessKeyId}`, `--secret-key=${KEYS.secretAccessKey}`],
      env,
    )
    const gateway = await startGateway(conf)
    stops.push(() => gateway.stop())
    return { endpoint: gateway.endpoint, ...KEYS, conf, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Another gateway onto the cluster of `conf`, with the same users and objects: one that a test may kill. */
export async function startGateway(conf: string): Promise<S3Gateway> {
  const [port] = await freePorts(1)
  const endpoint = `http://127.0.0.1:${port}`
  let daemon: Daemon | undefined
  const stop = async () => await daemon?.stop()
  const start = async () => {
    const frontend = `beast endpoint=127.0.0.1:${port} tcp_nodelay=1`
    daemon = startDaemon('radosgw', ['-f', '-c', conf, '-n', 'client.rgw', `--rgw-frontends=${frontend}`])
    await until('radosgw', daemon, () => answers(endpoint))
  }
  await start()
  return { endpoint, start, stop, [Symbol.asyncDispose]: stop }
}

/** A monitor and an OSD. @returns the path of their ceph.conf */
async function startCluster(folder: string, started: (daemon: Daemon) => void): Promise<string> {
  const [v2 = 0, v1 = 0] = await freePorts(2)
  const place: CephPlace = { folder, fsid: randomUUID(), monitor: [v2, v1] }
  const conf = join(folder, 'ceph.conf')
  const keyring = join(folder, 'keyring')
  const env = cephEnv(conf)
  writeFileSync(conf, cephConf(place))
  for (const name of ['mon', 'osd']) mkdirSync(join(folder, name))
  const key = async (name: string, ...caps: readonly string[]) => {
    const pairs = caps.flatMap(cap => ['--cap', ...cap.split('=')])
    await run('ceph-authtool', ['-C', '--gen-key', '-n', name, ...pairs, join(folder, `${name}.key`)], env)
  }
  await Promise.all([
    key('mon.', 'mon=allow *'),
    key('client.admin', 'mon=allow *', 'osd=allow *', 'mgr=allow *'),
    key('client.rgw', 'mon=allow *', 'osd=allow *'),
    key('osd.0', 'mon=allow profile osd', 'osd=allow *', 'mgr=allow profile osd'),
  ])
  await run('ceph-authtool', ['-C', keyring], env)
  for (const name of ['mon.', 'client.admin', 'client.rgw', 'osd.0']) {
    await run('ceph-authtool', [keyring, `--import-keyring=${join(folder, `${name}.key`)}`], env)
  }
  const map = join(folder, 'monmap')
  await run('monmaptool', ['--create', '--addv', 'a', monitorAddress(place), '--fsid', place.fsid, map], env)
  await run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring], env)
  const monitor = startDaemon('ceph-mon', ['-f', '-c', conf, '-i', 'a'])
  started(monitor)
  const osdId = randomUUID()
  const ceph = async (...args: readonly string[]) => {
    try {
      return await run('ceph', ['--connect-timeout=30', ...args], env)
    } catch (error) {
      throw monitor.ended === undefined ? error : new Error(monitor.ended, { cause: error })
    }
  }
  await ceph('osd', 'new', osdId)
  await run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osdId, '--keyring', keyring], env)
  const osd = startDaemon('ceph-osd', ['-f', '-c', conf, '-i', '0'])
  started(osd)
  await until('ceph-osd', osd, async () => (await ceph('osd', 'stat')).includes('1 up'))
  return conf
}

function cephEnv(conf: string): NodeJS.ProcessEnv {
  return { ...process.env, CEPH_CONF: conf }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint)).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/** Removes the folders of runs that were killed: each names the process that made it. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
