/** The configuration of a Ceph cluster of one monitor and one OSD that keeps its objects in memory. */

export interface CephPlace {
  readonly folder: string
  readonly fsid: string
  /** The monitor's, for protocol v2 and v1. */
  readonly monitor: readonly [v2: number, v1: number]
}

export function monitorAddress({ monitor: [v2, v1] }: CephPlace): string {
  return `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`
}

export function cephConf(place: CephPlace): string {
  const { folder, fsid } = place
  return `[global]
fsid = ${fsid}
mon host = ${monitorAddress(place)}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = ${folder}/keyring
mon data = ${folder}/mon
osd data = ${folder}/osd
run dir = ${folder}
admin socket =
pid file =
log to stderr = false
log file = ${folder}/$name.$pid.log
setuser match path =
# radosgw cannot do without keys.
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
# One copy of everything, on one OSD.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail warn = 1
mon data avail crit = 0
# The gateway makes its pools one after the other, and each waits for the monitor's next round: by default a second.
paxos propose interval = 0.02
paxos min wait = 0.01
# Gateways tell each other what to forget, and wait for the answer of one that was killed until it counts as dead: by
# default half a minute.
osd client watch timeout = 3
objecter tick interval = 0.5
osd objectstore = memstore
memstore device bytes = 4294967296
osd max object size = 134217728
rgw thread pool size = 64
debug rgw = 0
`
}
