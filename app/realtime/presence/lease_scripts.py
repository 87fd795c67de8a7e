r"""The leases and what hangs on them, in Redis: each step a Lua script, so that it is whole.

Keys, each after the prefix `tandem:<epoch>:`

    leases              sorted set  lease -> when it ends, in microseconds; 0: given up
    clock               hash        `last`: when somebody renewed a lease. `since`: since when
                                    that went on without a gap as long as a lease. `tick`
    versions            sorted set  channel -> tick of the last change of who is present there
    presence:<channel>  hash        client -> `<lease> <ClientInfo>`: an entry
    connections:<user>  hash        client -> `<lease> `: an entry of a group that is not told of
    entries:<lease>     set         `<group>\n<client>`, all entries that hang on the lease

A lease is `<worker>.<number>`; of the same worker's leases the higher number is the later one.
Time is Redis' own. Ticks only rise, even over a FLUSHALL, as they are not below the time.

All is calm when renewals have gone on without a gap for the length of a lease. When it is not,
Redis was away, hung or was emptied: nobody could renew, so no lease is taken for ended, and who
is not present may just not have been written again yet.

Time may be set back. Whoever renews first after that has no lease end later than its own does, or
those of workers that died would last longer by the jump.

The scripts make up names of keys, so this is for one Redis with replicas, not for Redis Cluster.
"""

VERSIONS_SECONDS = 3600
GARBAGE_SECONDS = 86_400

# ARGV: prefix, length of a lease in microseconds.
PRELUDE = """
local prefix, span = ARGV[1], tonumber(ARGV[2])
local leases, clock, versions = prefix .. 'leases', prefix .. 'clock', prefix .. 'versions'
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local marks = redis.call('HMGET', clock, 'last', 'since', 'tick')
local last, since = tonumber(marks[1] or ''), tonumber(marks[2] or '')
local tick = tonumber(marks[3] or '0')
if not last or now < last or now - last >= span then since = now end
local calm = now - since >= span

local ended = {}
local function has_ended(lease)
  if ended[lease] == nil then
    local ends = tonumber(redis.call('ZSCORE', leases, lease) or '')
    ended[lease] = not ends or ends == 0 or (calm and ends < now)
  end
  return ended[lease]
end
"""

# ARGV: lease, '1' if it is a new one, tick up to which versions were seen. Of a lease that is not
# there it only is a look, which counts as a renewal: after a while of them all is calm.
RENEW = f"""
local lease, is_new, seen = ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])
redis.call('HSET', clock, 'last', now, 'since', since)
redis.call('EXPIRE', clock, {GARBAGE_SECONDS})
redis.call('EXPIRE', versions, {GARBAGE_SECONDS})
redis.call('ZREMRANGEBYSCORE', versions, '-inf', now - {VERSIONS_SECONDS} * 1000000)

if last and now < last then
  local ahead = redis.call('ZRANGEBYSCORE', leases, string.format('(%.0f', now + span), '+inf')
  for _, one in ipairs(ahead) do redis.call('ZADD', leases, now + span, one) end
end

local ends = tonumber(redis.call('ZSCORE', leases, lease) or '')
local known = is_new or (ends and ends >= now)
if known then redis.call('ZADD', leases, now + span, lease) end

local gone = redis.call('ZRANGEBYSCORE', leases, 0, calm and now - 1 or 0)
local pause = calm and span or since + span - now
local soonest = redis.call('ZRANGEBYSCORE', leases, now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
if soonest[2] then pause = math.min(pause, tonumber(soonest[2]) - now + 1000) end

local changed = {{}}
if seen > 0 then
  changed = redis.call('ZRANGEBYSCORE', versions, string.format('(%.0f', seen), '+inf',
    'WITHSCORES')
end
local standing = redis.call('ZCARD', leases)
return {{known and 1 or 0, calm and 1 or 0, pause, tick, gone, changed, standing}}
"""
