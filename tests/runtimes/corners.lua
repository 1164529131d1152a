-- What the examples do not show: wrong use is answered with a text, texts are UTF-8, work that must
-- not run does not, what it throws fails the job. Prints a line for each.

package.path = arg[1] .. "/?.lua;" .. package.path
local ffi = require("ffi")
local dcc = require("dcc_cancel")
local lib, check = dcc.lib, dcc.check

local function refused(what, run, ...)
    local fine, problem = pcall(function(...) return check(run(...)) end, ...)
    print(("%s: %s"):format(what, fine and "was not refused" or problem))
end

local job = dcc.create_job("Größe ändern 停止")
print(("label: %s"):format(dcc.label(job)))
print(("alive: %d"):format(dcc.live_handles()))
local ticket = ffi.new("uint64_t[1]")
check(lib.dcc_job_set_current(job, ticket))
check(lib.dcc_job_reset_current(ticket[0]))
refused("ticket", lib.dcc_job_reset_current, ticket[0])
refused("long", lib.dcc_job_cancel, job, ("x"):rep(5000), 5000)
print(("still: %s"):format((dcc.reason(job))))
local reason = "Größe ändern 停止"
check(lib.dcc_job_cancel(job, reason, #reason))
print(("reason: %s"):format(select(2, dcc.reason(job))))
dcc.run(job, function() print("ran although it was cancelled") end)
print(("before: %s"):format(dcc.state(job)))
dcc.release(job)
local state = ffi.new("int32_t[1]")
refused("stale", lib.dcc_job_state, job, state)
refused("twice", lib.dcc_job_release, job)
refused("made up", lib.dcc_job_state, ffi.cast("dcc_job *", 0x1234), state)

local failing = dcc.create_job("Fails")
print(("thrown: %s"):format(select(2, pcall(dcc.run, failing, function() error("no disk", 0) end))))
print(("state: %s"):format(dcc.state(failing)))
dcc.release(failing)
print(("handles left %d"):format(dcc.live_handles()))
