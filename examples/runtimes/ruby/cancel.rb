# Shows: dcc-cancel in Ruby, by fiddle. A job sums numbers and polls; another thread cancels it, and it
# keeps what it has.
#
# Run, after `cargo build --release` (Debian: ruby):
#     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so ruby examples/runtimes/ruby/cancel.rb

require_relative "dcc_cancel"

STEPS = 10_000_000_000 # hours

puts DccCancel.version
DccCancel::Job.open("Sum up") do |job|
  sum = done = 0
  user = nil
  begin
    job.run do
      user = Thread.new do
        sleep 0.05
        job.cancel("the user pressed Esc")
      end
      loop do
        done += 1
        sum += done
        break if done == STEPS || DccCancel.cancelled?
      end
      job.set_progress(done, STEPS)
      done == STEPS
    end
  ensure
    user&.join # it uses the job
  end

  puts format("stopped after %d of %d steps by: %s", *job.progress, job.reason)
  puts "partial sum #{sum}"
  puts "job #{job.state}"
end
puts "handles left #{DccCancel.live_handles}"
