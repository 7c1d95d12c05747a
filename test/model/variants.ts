/** What can be broken: each of these is one rule of the protocol left out. */
export type Variant =
  // Rules of release.
  | 'release in two steps'
  | 'release by epoch alone'
  | 'release without the epoch'
  | 'epochs come back'
  | 'rules may differ'
  | 'failover owners count as owners'
  | 'one active owner is enough'
  | 'one advertisement is enough'
  | 'owners that are down count'
  | 'nobody need own it'
  | 'a timeout counts as released'
  // Rules of slots.
  | 'no precondition'
  | 'the slot is compared, the epoch is not'
  | 'the precondition is of the child'
  | 'an incomplete slot counts as complete'
  | 'an empty slot lets go'
  | 'two ranks of one member count as two'
  // Rules of a published placement.
  | 'a placement counts before it is published'
  | 'a placement is read without its epoch'
  // Drops that go round release.
  | 'drop on losing ownership'
  | 'drop on losing the slot'
  | 'time limit'
  | 'children go when the parent is listed'
  // Advertisements that are not true.
  | 'stop says nothing'
  | 'old advertisements stay'
  | 'publish includes what is being dropped'
  | 'no sequence'
  | 'no store id'
  | 'the heartbeat names the store id before all is advertised'
  | 'no incarnation'
  // Advertisements that are true and yet help nobody.
  | 'advertises before ready'
  // Not unsafe: it never ends.
  | 'superseding as first written'
