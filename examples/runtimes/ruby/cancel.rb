# Shows: dcc-cancel in Ruby, by fiddle. A job sums numbers and polls. Another thread cancels it, and the job
# keeps the partial sum. A second job saves the sum after its point of no return.
#
# Run, after `cargo build --release` (Debian: ruby):
#     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so ruby examples/runtimes/ruby/cancel.rb

require_relative "dcc_cancel"

STEPS = 10_000_000_000 # hours
FILES = 10

# Stands for a native library that calls a function of its caller to ask whether to stop.
def sum_library(ask, data)
  sum = done = 0
  loop do
    done += 1
    sum += done
    return [done, sum] if done == STEPS || !ask.call(data).zero?
  end
end

# Polls as all code does. Behind a shield it is not stopped. Returns how many files it has removed.
def clean_up = FILES.times.take_while { !DccCancel.cancelled? }.size

# A result that two jobs wait for. It is cancelled when both have left.
def share
  DccCancel::Job.open("Left view") do |left|
    DccCancel::Job.open("Right view") do |right|
      DccCancel::SharedToken.open(left, right) do |both|
        stops = [left, right].map do |job|
          job.cancel("the view was closed")
          both.cancelled?
        end
        puts format("shared result stops after the first: %s, after both: %s", *stops)
      end
    end
  end
end

# A job on another thread that does what cannot be taken back. After that a cancel is too late.
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
    # An event loop waits for it in the same way, beside its sockets.
    job.open_end_event { |ended| IO.select([ended]) }
    job.wait
    told = answer == DccCancel::Job::SEALED ? "came too late" : "was first"
    puts "saved #{saved}: job #{job.state}, a cancel #{told}"
    thread.join # the thread uses the job
  end
end

puts DccCancel.version
DccCancel::Job.open("Sum up") do |job|
  sum = done = cleaned = 0
  user = nil
  begin
    job.run do
      user = Thread.new do
        sleep 0.05
        job.cancel("the user pressed Esc")
      end
      # Runs on another thread that works for the job.
      work = DccCancel.with_context do
        DccCancel.call_library do |ask, data|
          done, sum = sum_library(ask, data)
          job.set_progress(done, STEPS)
          [done == STEPS, done != STEPS, "sum: aborted"]
        end
      end
      goes_on = Thread.new(&work).value
      cleaned = DccCancel.shield { clean_up }
      goes_on
    end
  ensure
    user&.join # the thread uses the job
  end

  puts format("stopped after %d of %d steps by: %s", *job.progress, job.reason)
  puts "partial sum #{sum}"
  save(sum)
  puts "cleaned up #{cleaned} of #{FILES} files"
  share
  puts "job #{job.state}: #{job.failure}"
end
puts "handles left #{DccCancel.live_handles}"
