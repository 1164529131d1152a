-- Shows: dcc-cancel in LuaJIT, by its ffi. A job sums numbers and polls. A deadline cancels it, and the job
-- keeps the partial sum. A second job saves the sum after its point of no return.
--
-- Run, after `cargo build --release` (Debian: luajit):
--     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so luajit examples/runtimes/luajit/cancel.lua
--
-- A Lua state belongs to one thread and cannot be called on another. So this program has no callbacks, and
-- the library's own timer thread cancels. In a host any thread that knows the job may cancel it. A captured
-- context is entered later on the same thread.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local ffi = require("ffi")
local dcc = require("dcc_cancel")

ffi.cdef [[
struct pollfd { int fd; short events, revents; };
int poll(struct pollfd *fds, unsigned long count, int timeout);
]]

local STEPS = 10000000000 -- about a minute
local FILES = 10

local job = dcc.create_job("Sum up")
local sum, done, cleaned = 0, 0, 0

-- Stands for a native library that calls a function of its caller to ask whether to stop, and tells its
-- caller if it was stopped.
local function sum_library(ask, data)
    repeat
        done = done + 1
        sum = sum + done
    until done == STEPS or ask(data) ~= 0
    return done == STEPS, done ~= STEPS, "sum: aborted"
end

local function sum_up()
    local goes_on = dcc.call_library(function(ask, data)
        local succeeded, was_aborted, words = sum_library(ask, data)
        dcc.check(dcc.lib.dcc_job_set_progress(job, done, STEPS, nil, 0))
        return succeeded, was_aborted, words
    end)
    return goes_on
end

-- Polls as all code does. Behind a shield it is not stopped. Returns how many files it has removed.
local function clean_up()
    local removed = 0
    while removed < FILES and not dcc.is_cancelled() do removed = removed + 1 end
    return removed
end

-- Stands for a host's idle queue, which calls functions while no job is current.
local function call_idle(later)
    return dcc.shield(later)
end

-- Stands for a host's event loop.
local function is_readable(descriptor)
    local readable = 1 -- POLLIN
    return ffi.C.poll(ffi.new("struct pollfd", descriptor, readable), 1, 0) == 1
end

-- A job that does what cannot be taken back. After that a cancel is too late.
local function save(result)
    local saving = dcc.create_job("Save")
    local saved, was_first
    dcc.with_end_event(saving, function(ended)
        assert(not is_readable(ended))
        dcc.run(saving, function()
            if not dcc.seal(saving) then return false end
            was_first = dcc.cancel(saving, "too late")
            saved = result
            return true
        end)
        assert(is_readable(ended) and dcc.wait(saving, 0)) -- the job ran on this thread, so it has ended
    end)
    print(("saved %.0f: job %s, a cancel %s"):format(saved, dcc.state(saving),
        was_first and "was first" or "came too late"))
    dcc.release(saving)
end

-- A result that two jobs wait for. It is cancelled when both have left.
local function share()
    local views, stops = { dcc.create_job("Left view"), dcc.create_job("Right view") }, {}
    dcc.with_shared_token(views, function(both)
        for index, view in ipairs(views) do
            dcc.cancel(view, "the view was closed")
            stops[index] = dcc.check(dcc.lib.dcc_cancel_token_is_cancelled(both)) ~= 0
        end
    end)
    print(("shared result stops after the first: %s, after both: %s"):format(
        tostring(stops[1]), tostring(stops[2])))
    for _, view in ipairs(views) do dcc.release(view) end
end

local fine, problem = pcall(function()
    print(ffi.string(dcc.lib.dcc_version_string()))
    -- In 50 ms. The deadline belongs to the job's token, by which it can be moved or cleared.
    dcc.check(dcc.lib.dcc_cancel_token_set_deadline_after(dcc.lib.dcc_job_token(job), 50 * 1000000))
    dcc.run(job, function()
        local goes_on = call_idle(dcc.with_context(sum_up))
        cleaned = dcc.shield(clean_up)
        return goes_on
    end)
    local progress, total = dcc.progress(job)
    print(("stopped after %.0f of %.0f steps by: %s"):format(progress, total, dcc.reason(job)))
    print(("partial sum %.0f"):format(sum))
    save(sum)
    print(("cleaned up %d of %d files"):format(cleaned, FILES))
    share()
    print(("job %s: %s"):format(dcc.state(job), dcc.failure(job)))
end)
dcc.release(job)
if not fine then error(problem, 0) end
print(("handles left %d"):format(dcc.live_handles()))
