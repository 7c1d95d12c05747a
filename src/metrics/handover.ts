/** The gauges of a hand-over: the epoch, the members and their store. They are read at each scrape from the ownership plugin. */
import type { Meter } from '@opentelemetry/api'
import type { MetricsSubject } from '../contracts/metrics.ts'
import type { MemberState, Standing } from '../contracts/ownership.ts'
import { observed } from './instruments.ts'
import { underReplicated } from './under-replicated.ts'

const MEMBER_STATES: readonly MemberState[] = ['active', 'leaving', 'down']
const STANDINGS: readonly Standing[] = ['joining', 'alone', 'member', 'leaving', 'superseded']

/** @returns a function that begins to observe; an ownership plugin without a hand-over has none of these metrics */
export function handoverGauges(meter: Meter): (subject: MetricsSubject) => void {
  const readMembers = observed(meter, [
    'epoch',
    'members',
    'standing',
    'expiriesRefused',
    'heartbeatDelay',
    'storeErrors',
    'storeBroken',
    'placementNamed',
    'placementSkew',
    'placementsPublished',
    'placementsLost',
    'placementsBroken',
  ])
  const readReplicas = observed(meter, ['underReplicated'])
  return subject => {
    const { plan, guard } = subject
    const { handover } = plan.ownership
    if (!handover) return
    const lacking = underReplicated(subject, handover)
    readReplicas(async tell => tell('underReplicated', await lacking()))
    readMembers(tell => {
      tell(
        'epoch',
        guard('ownership.epoch', () => plan.ownership.epoch()),
      )
      const members = guard('handover.members', () => (handover.known?.() === false ? undefined : handover.members()))
      for (const state of MEMBER_STATES) {
        tell('members', members?.filter(member => member.state === state).length, { state })
      }
      const now = guard('handover.standing', () => handover.standing())
      for (const standing of STANDINGS) tell('standing', now && Number(standing === now), { standing })
      const counts = guard('handover.counts', () => handover.counts())
      const delay = counts?.heartbeatDelayMs
      tell('heartbeatDelay', delay === undefined ? undefined : delay / 1000)
      tell('expiriesRefused', counts?.refusedExpiries)
      tell('storeErrors', counts?.storeErrors)
      tell('storeBroken', counts?.broken)
      const placement = counts?.placement
      tell('placementNamed', placement?.named)
      tell('placementSkew', placement?.skew)
      tell('placementsPublished', placement?.published)
      tell('placementsLost', placement?.lost)
      tell('placementsBroken', placement?.broken)
    })
  }
}
