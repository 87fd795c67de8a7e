"""What hangs on the leases: the scripts that write, remove and read entries.

The keys are listed in `lease_scripts`; PRELUDE stands before each of these.
"""

# Gathers what changed, and tells it: `~<tick before> <tick>`, then a line for each change.
CHANGES = """
local lines, groups = {}, {}
local function note(group, line)
  if not lines[group] then
    lines[group] = {}
    table.insert(groups, group)
  end
  table.insert(lines[group], line)
end

local function tell()
  for _, group in ipairs(groups) do
    local channel = string.match(group, '^presence:(.*)$')
    if channel then
      local before = tonumber(redis.call('ZSCORE', versions, channel) or '0')
      tick = math.max(now, tick + 1)
      redis.call('ZADD', versions, tick, channel)
      redis.call('HSET', clock, 'tick', tick)
      local head = string.format('~%.0f %.0f\\n', before, tick)
      redis.call('PUBLISH', prefix .. channel, head .. table.concat(lines[group], '\\n'))
    end
  end
end

local function owner_of(value)
  return value and string.match(value, '^%S+')
end
"""

# ARGV: lease, and in JSON for each entry: group, client, what (`put`, `drop`, or the number of
# entries that the group may have), info. Answers the numbers of those that did not fit in, counted
# from 0; nil if the lease has ended. Puts go by the later lease, drops by their own only, so that a
# command which a hanging Redis carries out too late can do no harm.
WRITE = """
local lease = ARGV[3]
local ends = tonumber(redis.call('ZSCORE', leases, lease) or '')
if not ends or ends < now then return false end
local worker, number = string.match(lease, '^(.*)%.(%d+)$')

local function is_later(owner)
  local its_worker, its_number = string.match(owner, '^(.*)%.(%d+)$')
  return its_worker == worker and tonumber(its_number) > tonumber(number)
end

local function is_full(key, size)
  if redis.call('HLEN', key) < size then return false end
  local living = 0
  for _, value in ipairs(redis.call('HVALS', key)) do
    if not has_ended(owner_of(value)) then living = living + 1 end
  end
  return living >= size
end

local refused = {}
for nth, write in ipairs(cjson.decode(ARGV[4])) do
  local group, client, what, info = unpack(write)
  local key, entry = prefix .. group, group .. '\\n' .. client
  local owner = owner_of(redis.call('HGET', key, client))
  if what == 'drop' then
    if owner == lease then
      redis.call('HDEL', key, client)
      redis.call('SREM', prefix .. 'entries:' .. lease, entry)
      note(group, '-' .. client)
    end
  elseif not owner and what ~= 'put' and is_full(key, what) then
    table.insert(refused, nth - 1)
  elseif not owner or not is_later(owner) then
    redis.call('HSET', key, client, lease .. ' ' .. info)
    redis.call('SADD', prefix .. 'entries:' .. lease, entry)
    if owner and owner ~= lease then
      redis.call('SREM', prefix .. 'entries:' .. owner, entry)
    end
    if not owner or has_ended(owner) then note(group, '+' .. client .. ' ' .. info) end
  end
end
tell()
return refused
"""

# ARGV: lease, how many entries at most, '1' to give the lease up. Answers how many are left,
# -1 if the lease has not ended. The lease goes with its last entry, so whoever begins this and
# does not get to the end leaves the rest to the others.
REAP = """
local lease, most, give_up = ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
if give_up then redis.call('ZADD', leases, 'XX', 0, lease) end
if not has_ended(lease) then return -1 end
local entries = prefix .. 'entries:' .. lease
for _, entry in ipairs(redis.call('SPOP', entries, most)) do
  local group, client = string.match(entry, '^(.*)\\n([^\\n]*)$')
  if owner_of(redis.call('HGET', prefix .. group, client)) == lease then
    redis.call('HDEL', prefix .. group, client)
    note(group, '-' .. client)
  end
end
tell()
local left = redis.call('SCARD', entries)
if left == 0 then redis.call('ZREM', leases, lease) end
return left
"""

# ARGV: channels. Answers whether all is calm, then for each its version and who is present:
# client, info, client, info …
READ = """
local found = {calm and 1 or 0}
for i = 3, #ARGV do
  local present = {}
  local entries = redis.call('HGETALL', prefix .. 'presence:' .. ARGV[i])
  for j = 1, #entries, 2 do
    local owner, info = string.match(entries[j + 1], '^(%S+) (.*)$')
    if not has_ended(owner) then
      table.insert(present, entries[j])
      table.insert(present, info)
    end
  end
  local version = tonumber(redis.call('ZSCORE', versions, ARGV[i]) or '0')
  table.insert(found, {version, present})
end
return found
"""
