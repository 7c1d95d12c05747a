/**
 * Scripts that end after some of their writes. Rights of Redis cannot do that: a user who may not write one of the keys of a script
 * may not start it.
 */
import type { SlotStore } from 'blockgate/members'
import { keysOf } from '../../../../plugins/store/redis/keys.ts'
import { type Run, redisSteps } from '../../../../plugins/store/redis/steps.ts'
import type { RedisServer } from '../../../support/redis.ts'

const READS = ['HGET', 'HMGET', 'HGETALL', 'TYPE', 'TIME', 'INFO', 'LRANGE', 'SISMEMBER', 'SMISMEMBER', 'SMEMBERS']

/** The scripts of cluster `test`, each changed by `change`. `answered` is given what Redis answers. */
export function runOn(
  redis: RedisServer,
  change: (lua: string) => string,
  answered: (reply: unknown) => void = () => {},
): Run {
  const keys = keysOf('test')
  return async ({ lua }, own, args) => {
    const all = [...keys.base, ...own]
    const reply = await redis.command('EVAL', change(lua), all.length, ...all, keys.channel, ...args)
    answered(reply)
    return reply
  }
}

/** The script, with an error `cut before <command>` in the place of its write number `writes`, counted from 0. */
export function cutAt(writes: number): (lua: string) => string {
  const reads = READS.map(command => `${command} = true`).join(', ')
  return lua => `
local real, left, READS = redis, ${writes}, { ${reads} }
local redis = { pcall = real.pcall, error_reply = real.error_reply, call = function(command, ...)
  if not READS[command] then
    if left == 0 then error('cut before ' .. command) end
    left = left - 1
  end
  return real.call(command, ...)
end }
${lua}`
}

/** The store of cluster `test` whose scripts are run by `run`. */
export function cutStore(store: SlotStore, run: Run): SlotStore {
  const nothing = async () => Promise.reject(new Error('no command but those of scripts'))
  return { ...store, ...redisSteps(run, nothing, keysOf('test'), () => undefined) }
}
