// Both plugins under one name, so that a config says in one line which one it takes.
export { hashRing } from 'blockgate/plugins/ownership/hash-ring'
export { redlock } from 'blockgate/plugins/ownership/redlock'
