// Owns: the Lua that runs inside the store. Each script is one atomic step of the queue, the
// limiter or a session. Invariants: every key is declared in KEYS; time is the store's own (TIME),
// so the nodes' clocks do not matter; every script may be run twice with the same arguments (a
// reply can be lost) and does its work once. Must never: build a key name, use randomness, or call
// a command newer than Redis 6.2.

import { createHash } from 'node:crypto';

export interface Script {
  /** For metrics and error texts. */
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}

const NOW = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
`;

/** KEYS window; ARGV max, window ms, member. Replies {allowed, count, ms until a slot is free}. */
export const takeSlot = script(
  'ratelimit',
  `${NOW}
local max, window, member = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
if redis.call('ZSCORE', KEYS[1], member) then
  return {1, redis.call('ZCARD', KEYS[1]), 0}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local count = redis.call('ZCARD', KEYS[1])
if count >= max then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  local wait = oldest[2] and (tonumber(oldest[2]) + window - now) or window
  return {0, count, math.max(wait, 1)}
end
redis.call('ZADD', KEYS[1], now, member)
redis.call('PEXPIRE', KEYS[1], window)
return {1, count + 1, 0}`,
);

/** KEYS session; ARGV ttl ms, field, value, ... */
export const putSession = script(
  'session_put',
  `
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`,
);

/**
 * Makes a message visible to the workers. KEYS message, pending, done, body parts...;
 * ARGV id, '1' when the body is the next argument (else the parts are in the store), body, field,
 * value, ... Replies 1 stored, 2 was stored before, 0 a body part is missing.
 */
export const commitMessage = script(
  'queue_commit',
  `${NOW}
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 2 end
if ARGV[2] == '1' then
  redis.call('SET', KEYS[4], ARGV[3])
else
  for i = 4, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 0 then return 0 end
  end
  for i = 4, #KEYS do redis.call('PERSIST', KEYS[i]) end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('ZADD', KEYS[2], now, ARGV[1])
return 1`,
);

/**
 * Gives expired leases back, then leases due messages. KEYS pending, leased, owners, attempts,
 * fence; ARGV owner, lease ms, how many. Replies {now ms, recovered, id, token, attempt, id, ...}.
 * A recovered message keeps its old token until somebody else leases it: a late ack still counts.
 */
export const leaseMessages = script(
  'queue_lease',
  `${NOW}
local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)
for _, id in ipairs(expired) do
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZADD', KEYS[1], now, id)
end
local reply = {string.format('%.0f', now), #expired}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(due) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), id)
  local token = ARGV[1] .. ':' .. string.format('%.0f', redis.call('INCR', KEYS[5]))
  redis.call('HSET', KEYS[3], id, token)
  reply[#reply + 1] = id
  reply[#reply + 1] = token
  reply[#reply + 1] = redis.call('HINCRBY', KEYS[4], id, 1)
end
return reply`,
);

/**
 * Gives back what one owner leased without knowing it: the reply to a lease can be lost.
 * KEYS pending, leased, owners, attempts; ARGV owner, ids it does know... Replies how many.
 */
export const reclaimLeases = script(
  'queue_reclaim',
  `${NOW}
local known = {}
for i = 2, #ARGV do known[ARGV[i]] = true end
local prefix = ARGV[1] .. ':'
local count = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, 9999)) do
  local token = redis.call('HGET', KEYS[3], id)
  if token and not known[id] and string.sub(token, 1, #prefix) == prefix then
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
    redis.call('HINCRBY', KEYS[4], id, -1)
    redis.call('ZADD', KEYS[1], now, id)
    count = count + 1
  end
end
return count`,
);

/**
 * KEYS leased, pending, owners; ARGV id, token, lease ms. Replies 1, or 0: somebody else has it.
 */
export const extendLease = script(
  'queue_extend',
  `${NOW}
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
return 1`,
);

/**
 * Delivered: forgets the message. KEYS leased, pending, owners, attempts, done, message, body
 * parts...; ARGV id, token, ms to remember the id. Replies 1, or 0 when somebody else holds the
 * lease now.
 */
export const ackMessage = script(
  'queue_ack',
  `${NOW}
local id = ARGV[1]
if redis.call('HGET', KEYS[3], id) ~= ARGV[2] then
  return redis.call('ZSCORE', KEYS[5], id) and 1 or 0
end
redis.call('ZREM', KEYS[1], id)
redis.call('ZREM', KEYS[2], id)
redis.call('HDEL', KEYS[3], id)
redis.call('HDEL', KEYS[4], id)
for i = 6, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - tonumber(ARGV[3]))
redis.call('ZADD', KEYS[5], now, id)
return 1`,
);

/**
 * Not delivered yet. KEYS leased, pending, owners, attempts, message;
 * ARGV id, token, delay ms, '1' to not count this attempt, field, value, ... Replies 1, or 0: not
 * ours.
 */
export const retryMessage = script(
  'queue_retry',
  `${NOW}
local id, token = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[3], id) ~= token then
  return redis.call('HGET', KEYS[5], 'released') == token and 1 or 0
end
redis.call('ZREM', KEYS[1], id)
redis.call('HDEL', KEYS[3], id)
if ARGV[4] == '1' then redis.call('HINCRBY', KEYS[4], id, -1) end
redis.call('HSET', KEYS[5], 'released', token)
if #ARGV > 4 then redis.call('HSET', KEYS[5], unpack(ARGV, 5)) end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), id)
return 1`,
);

/**
 * Will not be delivered. KEYS leased, pending, owners, attempts, failed, message;
 * ARGV id, token, field, value, ... Replies 1, or 0: not ours.
 */
export const failMessage = script(
  'queue_fail',
  `${NOW}
local id = ARGV[1]
if redis.call('HGET', KEYS[3], id) ~= ARGV[2] then
  return redis.call('ZSCORE', KEYS[5], id) and 1 or 0
end
redis.call('ZREM', KEYS[1], id)
redis.call('ZREM', KEYS[2], id)
redis.call('HDEL', KEYS[3], id)
redis.call('HDEL', KEYS[4], id)
redis.call('HSET', KEYS[6], 'failed_at', string.format('%.0f', now), unpack(ARGV, 3))
redis.call('ZADD', KEYS[5], now, id)
return 1`,
);

/**
 * Forgets a failed message. KEYS failed, message, body parts...; ARGV id. Replies 1, or 0: not
 * there.
 */
export const dropFailed = script(
  'queue_drop',
  `
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return 1`,
);
