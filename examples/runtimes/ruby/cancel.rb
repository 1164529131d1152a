# Shows: dcc-cancel in Ruby, by fiddle. A job sums numbers and polls; another thread cancels it, and it
# keeps what it has. Another job saves that, past its point of no return.
#
# Run, after `cargo build --release` (Debian: ruby):
#     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so ruby examples/runtimes/ruby/cancel.rb

require_relative "dcc_cancel"

STEPS = 10_000_000_000 # hours

# A job of another thread, which does what cannot be taken back; then it is too late to cancel it.
def save(sum)
  DccCancel::Job.open("Save") do |job|
    saved = answer = nil
    thread = Thread.new do
      job.run do
        next false unless job.seal

        answer = job.cancel("too late")
        saved = sum
        true
      end
    end
    job.wait
    told = answer == DccCancel::Job::SEALED ? "came too late" : "was first"
    puts "saved #{saved}: job #{job.state}, a cancel #{told}"
    thread.join # it uses the job
  end
end

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
      # On a thread of the job's own, which knows no job.
      work = DccCancel.with_context do
        loop do
          done += 1
          sum += done
          break if done == STEPS || DccCancel.cancelled?
        end
      end
      Thread.new(&work).join
      job.set_progress(done, STEPS)
      done == STEPS
    end
  ensure
    user&.join # it uses the job
  end

  puts format("stopped after %d of %d steps by: %s", *job.progress, job.reason)
  puts "partial sum #{sum}"
  save(sum)
  puts "job #{job.state}"
end
puts "handles left #{DccCancel.live_handles}"
