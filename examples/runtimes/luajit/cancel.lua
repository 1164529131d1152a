-- Shows: dcc-cancel in LuaJIT, by its ffi. A job sums numbers and polls; a deadline cancels it, and it
-- keeps what it has.
--
-- Run, after `cargo build --release` (Debian: luajit):
--     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so luajit examples/runtimes/luajit/cancel.lua
--
-- A Lua state belongs to one thread and cannot be called on another: so there are no callbacks here,
-- and who cancels is the library's own timer thread. In a host it is whatever thread has the job.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local ffi = require("ffi")
local dcc = require("dcc_cancel")
local lib, check = dcc.lib, dcc.check

local STEPS = 10000000000 -- some minutes

local job = dcc.create_job("Sum up")
local token = lib.dcc_job_token(job) -- borrowed: good as long as the job

local function sum_up()
    local sum, done = 0, 0
    repeat
        done = done + 1
        sum = sum + done
    until done == STEPS or check(lib.dcc_check_cancelled()) ~= 0
    return { sum = sum, done = done }
end

local fine, problem = pcall(function()
    print(ffi.string(lib.dcc_version_string()))
    check(lib.dcc_job_begin(job))
    check(lib.dcc_cancel_token_cancel_after(token, 50 * 1000000)) -- in 50 ms

    local result = dcc.with_current(job, sum_up)
    check(lib.dcc_job_set_progress(job, result.done, STEPS, nil, 0))
    if result.done < STEPS then
        check(lib.dcc_job_acknowledge_cancel(job))
    else
        check(lib.dcc_job_complete(job))
    end

    local cause = ffi.new("int32_t[1]")
    check(lib.dcc_cancel_token_cause(token, cause))
    local progress = ffi.new("dcc_job_progress_info")
    progress.struct_size = ffi.sizeof(progress)
    check(lib.dcc_job_progress(job, progress))
    print(("stopped after %.0f of %.0f steps by: %s"):format(tonumber(progress.done),
        tonumber(progress.total), dcc.causes[cause[0]]))
    print(("partial sum %.0f"):format(result.sum))
    print("job " .. dcc.states[check(lib.dcc_job_state(job))])
end)

if not fine then lib.dcc_job_fail(job, tostring(problem), #tostring(problem)) end
dcc.release(job)
if not fine then error(problem, 0) end
print(("handles left %d"):format(dcc.live_handles()))
