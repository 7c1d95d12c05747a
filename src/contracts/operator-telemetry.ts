/** Attributes of spans of what operators do, by command or by request. */
export const OperatorAttribute = {
  /** `sync`, `drain`, `freeze` or `forget`: a trace with it is kept, however few are. */
  action: 'operator.action',
  member: 'operator.member',
  /** Whether it is set, or taken back. */
  on: 'operator.on',
  confirmDrops: 'operator.confirm_drops',
} as const
