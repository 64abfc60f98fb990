-- One change of a bucket, or a look at its keys, in one go: Redis runs nothing else meanwhile, so it is exact for any
-- number of hosts. A value is a key of its own, which Redis itself lets expire. Beside them, each bucket has an index:
--
--   names   a sorted set of its keys, all with score 0, so in the order of their bytes
--   sizes   a hash: the length of each key and its value
--   expiry  a sorted set: when each key that expires does so, in milliseconds
--   bytes   the sum of the sizes
--
-- The index of what has expired is removed by the next operations, some entries at a time.
--
-- KEYS: names, sizes, expiry, bytes
-- ARGV: operation, what each value's key begins with, the most bytes, the most entries, time to live or "", and what the
-- operation needs. The answer is a list of strings: how it ended, and what came of it.
local names, sizes, expiry, total = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local op, values, most_bytes, most_entries = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local ttl = ARGV[5] ~= '' and ARGV[5] or nil

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Takes a key out of the index.
local function forget(key)
    local size = redis.call('HGET', sizes, key)
    if size then
        redis.call('HDEL', sizes, key)
        redis.call('ZREM', names, key)
        redis.call('ZREM', expiry, key)
        if redis.call('DECRBY', total, size) <= 0 then redis.call('DEL', total) end
    end
end

-- Removes up to so many entries that have expired, and says how many.
local function purge(most)
    local gone = redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, most)
    for _, key in ipairs(gone) do
        redis.call('DEL', values .. key)
        forget(key)
    end
    return #gone
end

-- Why an entry has no room, or nil.
local function full(key, size)
    while true do
        local old = tonumber(redis.call('HGET', sizes, key) or -1)
        local bytes = tonumber(redis.call('GET', total) or 0)
        local why
        if old < 0 and redis.call('HLEN', sizes) >= most_entries then
            why = 'entries'
        elseif size > old and bytes - math.max(old, 0) + size > most_bytes then
            why = 'bytes'
        end
        if not why or purge(100) == 0 then return why end
    end
end

-- Takes a key into the index, or changes it there.
local function note(key, size)
    local old = tonumber(redis.call('HGET', sizes, key) or 0)
    redis.call('HSET', sizes, key, size)
    redis.call('ZADD', names, 0, key)
    redis.call('INCRBY', total, size - old)
end

-- Sets a value. Answers why it could not, or nil.
local function put(key, value)
    local size = #key + #value
    local why = full(key, size)
    if why then return why end
    if ttl then
        redis.call('SET', values .. key, value, 'PX', ttl)
        redis.call('ZADD', expiry, string.format('%.0f', now + ttl), key)
    else
        redis.call('SET', values .. key, value)
        redis.call('ZREM', expiry, key)
    end
    note(key, size)
end

local function delete(key)
    local was = redis.call('DEL', values .. key)
    forget(key)
    return was
end

-- Redis counts with 64 bits; numbers of Lua have 53, so they stay text here.
local function increment(key, by)
    local old = redis.call('GET', values .. key)
    if not old then
        local why = put(key, by)
        if why then return {'full', why} end
        return {'ok', by}
    end
    local done = redis.pcall('INCRBY', values .. key, by)
    if type(done) == 'table' and done.err then
        return {string.find(done.err, 'overflow') and 'overflow' or 'not a number'}
    end
    local new = redis.call('GET', values .. key)
    local why = #new > #old and full(key, #key + #new)
    if why then
        redis.call('SET', values .. key, old, 'KEEPTTL')
        return {'full', why}
    end
    note(key, #key + #new)
    return {'ok', new}
end

-- ARGV[7] is what must be there if ARGV[8] is 1; ARGV[9] is what comes there if ARGV[10] is 1.
local function swap(key)
    local is = redis.call('GET', values .. key)
    local expected = ARGV[8] == '1' and ARGV[7]
    if is ~= expected then return {'ok', '0'} end
    if ARGV[10] == '1' then
        local why = put(key, ARGV[9])
        if why then return {'full', why} end
    elseif is then
        delete(key)
    end
    return {'ok', '1'}
end

-- Keys from a bound on to another, as ZRANGEBYLEX wants them. What Redis has removed by itself leaves the index.
local function keys(from, to, most)
    local found = {'ok'}
    while #found <= most do
        local some = redis.call('ZRANGEBYLEX', names, from, to, 'LIMIT', 0, most)
        if #some == 0 then break end
        for _, key in ipairs(some) do
            if redis.call('EXISTS', values .. key) == 0 then
                forget(key)
            elseif #found <= most then
                found[#found + 1] = key
            end
        end
        from = '(' .. some[#some]
    end
    return found
end

purge(10)

if op == 'set' then
    for at = 6, #ARGV, 2 do
        local why = put(ARGV[at], ARGV[at + 1])
        if why then return {'full', why} end
    end
    return {'ok'}
elseif op == 'delete' then
    local was = 0
    for at = 6, #ARGV do was = was + delete(ARGV[at]) end
    return {'ok', tostring(was)}
elseif op == 'increment' then
    return increment(ARGV[6], ARGV[7])
elseif op == 'swap' then
    return swap(ARGV[6])
elseif op == 'keys' then
    return keys(ARGV[6], ARGV[7], tonumber(ARGV[8]))
end
return {'ok', tostring(redis.call('HLEN', sizes)), redis.call('GET', total) or '0'}
