# The part of dcc-cancel that cancel.rb uses, declared for Ruby's fiddle as in include/dcc_cancel.h. For more
# functions add more lines of that header.

require "fiddle/import"

module DccCancel
  class Error < StandardError; end

  module Native
    extend Fiddle::Importer

    NAME = "libdcc_cancel.so.2" # on Windows dcc_cancel.dll; dlload finds it if it is loaded
    ABI_MAJOR = 2
    NO_LIMIT = 0xffffffffffffffff
    RTLD_NOLOAD = 4

    # Finds an instance that the host or a plugin has loaded, because all of a process must share one. dlopen
    # of the bare name finds it by its SONAME wherever its file is, and with RTLD_NOLOAD it finds nothing
    # else. dlload of the bare name would also find it, but it would prefer a copy that is installed in the
    # system to the file that DCC_CANCEL_LIBRARY names.
    def self.file
      Fiddle::Handle.new(NAME, Fiddle::RTLD_NOW | RTLD_NOLOAD)
      NAME
    rescue Fiddle::DLError
      ENV.fetch("DCC_CANCEL_LIBRARY", NAME)
    end

    dlload file
    typealias "dcc_status", "int32_t"
    typealias "handle", "void *"

    JobDesc = struct [
      "uint32_t struct_size", "uint32_t flags", "char *label", "size_t label_length",
      "char *caller_id", "size_t caller_id_length", "void *parent", "void *user_data",
      "void *destroy", "void *is_cancelled", "uint64_t min_interval_ns", "void *owner"
    ]
    JobProgress = struct ["uint32_t struct_size", "uint32_t reserved", "uint64_t done", "uint64_t total",
                          "double fraction", "uint64_t time_left_ns", "uint64_t over", "uint64_t late"]
    LibraryCall = struct ["uint32_t struct_size", "dcc_status told", "void *token", "void *job_token",
                          "void *job"]
    Stats = struct ["uint32_t struct_size", "uint32_t reserved", "uint64_t counts[18]"]

    extern "uint32_t dcc_abi_version()"
    extern "char *dcc_version_string()"
    extern "dcc_status dcc_instance_check()"
    extern "dcc_status dcc_last_error(char *, size_t, void *)"
    extern "dcc_status dcc_stats_read(void *)"
    extern "dcc_status dcc_job_create(void *, void *)"
    extern "dcc_status dcc_job_release(handle)"
    extern "handle dcc_job_token(handle)"
    extern "dcc_status dcc_job_begin(handle)"
    extern "dcc_status dcc_job_complete(handle)"
    extern "dcc_status dcc_job_fail(handle, char *, size_t)"
    extern "dcc_status dcc_job_acknowledge_cancel(handle)"
    extern "dcc_status dcc_job_cancel(handle, char *, size_t)"
    extern "dcc_status dcc_job_seal(handle)"
    extern "dcc_status dcc_job_wait(handle, uint64_t)"
    extern "dcc_status dcc_job_native_event(handle, void *)"
    extern "dcc_status dcc_job_state(handle, void *)"
    extern "dcc_status dcc_job_failure(handle, char *, size_t, void *)"
    extern "dcc_status dcc_job_label(handle, char *, size_t, void *)"
    extern "dcc_status dcc_job_set_progress(handle, uint64_t, uint64_t, char *, size_t)"
    extern "dcc_status dcc_job_read_progress(handle, void *)"
    extern "dcc_status dcc_job_set_current(handle, void *)"
    extern "dcc_status dcc_job_reset_current(uint64_t)"
    extern "dcc_status dcc_check_cancelled()"
    extern "dcc_status dcc_context_capture(void *)"
    extern "dcc_status dcc_context_enter(void *, void *)"
    extern "dcc_status dcc_context_shield(void *)"
    extern "dcc_status dcc_context_exit(uint64_t)"
    extern "dcc_status dcc_context_release(void *)"
    extern "dcc_status dcc_library_call_begin(void *)"
    extern "dcc_status dcc_library_call_ask(void *)"
    extern "dcc_status dcc_library_call_end(void *, int32_t, int32_t, char *, size_t)"
    extern "dcc_status dcc_cancel_token_create_all(void *, size_t, void *)"
    extern "dcc_status dcc_cancel_token_is_cancelled(handle)"
    extern "dcc_status dcc_cancel_token_release(handle)"
    extern "dcc_status dcc_cancel_token_reason(handle, char *, size_t, void *)"

    raise LoadError, "dcc-cancel has another ABI" unless dcc_abi_version >> 16 == ABI_MAJOR
    raise LoadError, "a second copy of dcc-cancel was loaded" unless dcc_instance_check.zero?
  end

  # Calls a function and returns its status. A negative status is raised with the library's text.
  def self.call(name, *arguments)
    status = Native.public_send(name, *arguments)
    return status unless status.negative?

    why = text { |buffer| Native.dcc_last_error(buffer, buffer.bytesize, nil) }
    raise Error, "#{name}: #{why} (status #{status})"
  end

  # The text that a function writes into a buffer. The block calls the function.
  def self.text
    buffer = "\0" * 4097
    yield buffer
    buffer.unpack1("Z*").force_encoding("UTF-8")
  end

  def self.version = Native.dcc_version_string.to_s

  # Whether the current work of this thread should stop.
  def self.cancelled? = !call(:dcc_check_cancelled).zero?

  # Carries what is current here to the thread that calls the result: Thread.new(&with_context { ... }). The
  # result may be called once. A new thread has nothing current, so its polls would never say stop.
  def self.with_context(&work)
    out = "\0" * Fiddle::SIZEOF_VOIDP
    call(:dcc_context_capture, out)
    context = out.unpack1("J")
    lambda do |*arguments|
      within(:dcc_context_enter, context) { work.call(*arguments) }
    ensure
      call(:dcc_context_release, context)
    end
  end

  # Polls in the block are not cancelled. Use it for work that has to be done even after a cancel.
  def self.shield(&work) = within(:dcc_context_shield, &work)

  def self.within(enter, *arguments)
    ticket = "\0" * 8
    call(enter, *arguments, ticket)
    begin
      yield
    ensure
      call(:dcc_context_exit, ticket.unpack1("Q"))
    end
  end
  private_class_method :within

  # Calls a native library that now and then calls a function of its caller to ask whether to stop. The block
  # passes the given function and its argument to the library, so that no Ruby code runs in the callback. It
  # returns whether the library succeeded, whether it says that it was aborted, and its message. If it was
  # stopped or has failed, the job ends with that message. Answers whether to go on.
  def self.call_library
    library_call = Native::LibraryCall.malloc(Fiddle::RUBY_FREE)
    library_call.struct_size = Native::LibraryCall.size
    call(:dcc_library_call_begin, library_call)
    succeeded, was_aborted, words = yield Native["dcc_library_call_ask"], library_call
    call(:dcc_library_call_end, library_call, succeeded ? 1 : 0, was_aborted ? 1 : 0, words,
         words.bytesize).zero?
  end

  # How many tokens, jobs and contexts live in the process.
  def self.live_handles
    stats = Native::Stats.malloc(Fiddle::RUBY_FREE)
    stats.struct_size = Native::Stats.size
    call(:dcc_stats_read, stats)
    stats.counts.first(3).sum
  end

  # The token of a result that several jobs wait for. It is cancelled when the last of them is cancelled or
  # gone.
  class SharedToken
    # Gives the block a token. It is released at the end of the block.
    def self.open(*jobs)
      token = new(jobs)
      yield token
    ensure
      token&.release
    end

    def initialize(jobs)
      parents = jobs.map { |job| job.token.to_i }.pack("J*")
      out = "\0" * Fiddle::SIZEOF_VOIDP
      DccCancel.call(:dcc_cancel_token_create_all, parents, jobs.size, out)
      @handle = out.unpack1("J")
    end

    def release = DccCancel.call(:dcc_cancel_token_release, @handle)

    def cancelled? = !DccCancel.call(:dcc_cancel_token_is_cancelled, @handle).zero?
  end

  class Job
    SEALED = 19
    STATES = %i[none pending running completed failed cancelled interrupted].freeze

    attr_reader :handle

    # Gives the block a pending job. It is released at the end of the block.
    def self.open(label)
      job = new(label)
      yield job
    ensure
      job&.release
    end

    def initialize(label)
      desc = Native::JobDesc.malloc(Fiddle::RUBY_FREE)
      desc.to_ptr[0, desc.to_ptr.size] = "\0" * desc.to_ptr.size
      desc.struct_size = desc.to_ptr.size
      desc.label = label
      desc.label_length = label.bytesize
      out = "\0" * Fiddle::SIZEOF_VOIDP
      DccCancel.call(:dcc_job_create, desc, out)
      @handle = out.unpack1("J")
    end

    # Call it once. The handle is kept, so that the library answers a later use with "invalid handle".
    def release
      DccCancel.call(:dcc_job_release, @handle) unless @released
      @released = true
    end

    # Runs a block with this job as the current job of this thread, so the code that it calls need not know
    # the job. True completes the job, false ends it as cancelled, and an exception fails it.
    def run
      unless DccCancel.call(:dcc_job_begin, @handle).zero? # cancelled before it began
        return DccCancel.call(:dcc_job_acknowledge_cancel, @handle)
      end

      ticket = "\0" * 8
      DccCancel.call(:dcc_job_set_current, @handle, ticket)
      begin
        is_done = yield
      rescue StandardError => e
        DccCancel.call(:dcc_job_fail, @handle, e.message, e.message.bytesize)
        raise
      ensure
        DccCancel.call(:dcc_job_reset_current, ticket.unpack1("Q"))
      end
      DccCancel.call(is_done ? :dcc_job_complete : :dcc_job_acknowledge_cancel, @handle)
    end

    # Asks the job to stop. SEALED: too late.
    def cancel(reason) = DccCancel.call(:dcc_job_cancel, @handle, reason, reason.bytesize)

    # The job's point of no return. Call it before the job does what cannot be taken back. True: go ahead, no
    # cancel reaches the job any more. False: a cancel was first.
    def seal = DccCancel.call(:dcc_job_seal, @handle).zero?

    # Waits until the job has really ended, on any thread. After that its data can be freed.
    def wait = DccCancel.call(:dcc_job_wait, @handle, Native::NO_LIMIT)

    # Gives the block an IO that is readable once the job has ended; `wait` then returns at once. It is for
    # IO.select and event loops, which must not read from it. It is closed at the end of the block.
    def open_end_event
      out = "\0" * 8
      DccCancel.call(:dcc_job_native_event, @handle, out)
      IO.open(out.unpack1("q"), "rb") { |io| yield io }
    end

    def set_progress(done, total) = DccCancel.call(:dcc_job_set_progress, @handle, done, total, nil, 0)

    def progress
      info = Native::JobProgress.malloc(Fiddle::RUBY_FREE)
      info.struct_size = Native::JobProgress.size
      DccCancel.call(:dcc_job_read_progress, @handle, info)
      [info.done, info.total]
    end

    def state
      state = "\0" * 4
      DccCancel.call(:dcc_job_state, @handle, state)
      STATES[state.unpack1("l")]
    end

    def label
      DccCancel.text { |buffer| DccCancel.call(:dcc_job_label, @handle, buffer, buffer.bytesize, nil) }
    end

    # The message of a job that failed, or that gave up because it was cancelled.
    def failure
      DccCancel.text { |buffer| DccCancel.call(:dcc_job_failure, @handle, buffer, buffer.bytesize, nil) }
    end

    def token = Native.dcc_job_token(@handle) # lent: valid as long as the job

    def reason
      DccCancel.text do |buffer|
        DccCancel.call(:dcc_cancel_token_reason, token, buffer, buffer.bytesize, nil)
      end
    end
  end
end
