/** Where a server listens, as configs write it. */

export interface ListenAddress {
  /** A name or an IP address, without brackets; undefined is every interface. */
  readonly host: string | undefined
  /** 0 is any free port. */
  readonly port: number
}

export const LISTEN_MUST = "be 'host:port', ':port' for every interface, '[ipv6]:port', or false for off"

/** `127.0.0.1:10902`, `localhost:0`, `:10902`, `[::1]:10902`; undefined where it is none of these. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{0,253})):(\d{1,5})$/.exec(text)
  const port = Number(parts?.[3])
  if (!parts || port > 65_535) return undefined
  return { host: parts[1] ?? (parts[2] || undefined), port }
}
