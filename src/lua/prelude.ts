// Owns: the part of the script environment that is written in Lua. It runs once, with every library
// open, and answers the function that describes errors; what it takes away no script ever sees.
// Scripts run with an empty table for their globals; behind it stands the table of the real ones,
// and behind that one the host functions that refuse (Redis locks its globals with a patched
// interpreter; this has the same effect).

/** Arguments: the two refusing host functions. Result: real globals, error handler. */
export const PRELUDE = `
local refuseRead, refuseWrite = ...
local READONLY = 'Attempt to modify a readonly table'
local LIBRARIES = {
  'redis', 'string', 'table', 'math', 'coroutine', 'cjson', 'cmsgpack', 'struct', 'bit',
}
local globals = _G
local getinfo, setfenv0 = debug.getinfo, setfenv
local rawpcall, rawloadstring, rawset0, rawget0 = pcall, loadstring, rawset, rawget
local setmetatable0 = setmetatable
local type, byte, concat, error = type, string.byte, table.concat, error

globals.debug, globals.dofile, globals.loadfile, globals.print = nil, nil, nil, nil

local function plain(ok, ...)
  if ok then return true, ... end
  local failure = ...
  if type(failure) == 'table' then
    local text = failure.err
    if type(text) == 'string' or type(text) == 'number' then return false, text end
  end
  return false, failure
end

function globals.pcall(...)
  return plain(rawpcall(...))
end

-- Precompiled code is read as text, and so refused with a syntax error.
local function loadText(text, name)
  if type(text) ~= 'string' and type(text) ~= 'number' then
    error("bad argument #1 to 'loadstring' (string expected, got " .. type(text) .. ')', 2)
  end
  if type(text) == 'string' and byte(text) == 27 then
    return rawloadstring(' ' .. text, name or text)
  end
  return rawloadstring(text, name)
end
globals.loadstring = loadText

function globals.load(reader, name)
  if type(reader) ~= 'function' then
    error("bad argument #1 to 'load' (function expected, got " .. type(reader) .. ')', 2)
  end
  local parts, count = {}, 0
  while true do
    local part = reader()
    if part == nil or part == '' then break end
    if type(part) ~= 'string' then return nil, 'reader function must return a string' end
    count = count + 1
    parts[count] = part
  end
  return loadText(concat(parts), name or '=(load)')
end

local env = {}
globals._G = env
-- What stands behind each table that scripts may not change.
local locked = { [env] = globals }

function globals.rawset(t, ...)
  if locked[t] then error(READONLY, 0) end
  return rawset0(t, ...)
end

function globals.rawget(t, ...)
  return rawget0(locked[t] or t, ...)
end

function globals.setmetatable(t, ...)
  if locked[t] then error(READONLY, 0) end
  return setmetatable0(t, ...)
end

for _, name in ipairs(LIBRARIES) do
  local view = setmetatable0({}, { __index = globals[name], __newindex = refuseWrite })
  locked[view] = globals[name]
  globals[name] = view
end
getmetatable('').__index = globals.string
globals.server = globals.redis
setmetatable0(globals, { __index = refuseRead })
setmetatable0(env, { __index = globals, __newindex = refuseWrite })
setfenv0(0, env)

local function describe(failure)
  local place = getinfo(2, 'Sl')
  if place and place.what == 'C' then place = getinfo(3, 'Sl') end
  if place and place.source == '=prelude' then place = getinfo(4, 'Sl') end
  if type(failure) ~= 'table' then failure = { err = 'ERR ' .. tostring(failure) } end
  if place then
    failure.source = place.source
    failure.line = place.currentline
  end
  return failure
end

return globals, describe
`;
