# What the examples do not show: wrong use is answered with a text, texts are UTF-8, work that must
# not run does not, what it throws fails the job. Prints a line for each.

require File.expand_path("dcc_cancel", ARGV.fetch(0))

def refused(what)
  yield
  puts "#{what}: was not refused"
rescue DccCancel::Error => e
  puts "#{what}: #{e.message}"
end

job = DccCancel::Job.new("Größe ändern 停止")
puts "label: #{job.label}"
puts "alive: #{DccCancel.live_handles}"
ticket = "\0" * 8
DccCancel.call(:dcc_job_set_current, job.handle, ticket)
DccCancel.call(:dcc_job_reset_current, ticket.unpack1("Q"))
refused("ticket") { DccCancel.call(:dcc_job_reset_current, ticket.unpack1("Q")) }
refused("long") { job.cancel("x" * 5000) }
puts "still: #{job.reason.empty? ? 'none' : job.reason}"
job.cancel("Größe ändern 停止")
puts "reason: #{job.reason}"
job.run { puts "ran although it was cancelled" }
puts "before: #{job.state}"
2.times { job.release }
refused("stale") { job.state }
refused("twice") { DccCancel.call(:dcc_job_release, job.handle) }
refused("made up") { DccCancel.call(:dcc_job_state, 0x1234, "\0" * 4) }

DccCancel::Job.open("Fails") do |failing|
  failing.open_end_event do |event|
    before = IO.select([event], nil, nil, 0)
    begin
      failing.run { raise "no disk" }
    rescue RuntimeError => e
      puts "thrown: #{e.message}"
    end
    puts "state: #{failing.state}"
    puts "event: #{!before.nil?}, then #{!IO.select([event], nil, nil, 0).nil?}"
  end
end
puts "handles left #{DccCancel.live_handles}"
