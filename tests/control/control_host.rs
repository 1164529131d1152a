//! The control endpoint of a C++ host that is frozen, stopped by a signal, killed, or asked by
//! another user.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use dcc_cancel::sys::endpoint;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Host {
    process: Child,
    out: BufReader<ChildStdout>,
    job: String,
}

impl Host {
    /// Starts the host of the test `name`; each test has a program of its own.
    fn start(name: &str) -> Self {
        let folder = support::scratch(&format!("control_host_{name}"));
        support::staged_library(&folder);
        let program = folder.join("frozen_host");
        support::run(
            Command::new(support::cxx())
                .args(support::CXX_FLAGS)
                .args(["-O1", "-pthread", "-I"])
                .arg(support::include())
                .arg(support::root().join("tests/control/frozen_host.cpp"))
                .arg("-L")
                .arg(&folder)
                .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
                .arg(&program),
        );
        let mut command = Command::new(program);
        support::with_own_libraries(command.stdout(Stdio::piped()));
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let mut host = Self { process, out, job: String::new() };
        let line = host.line();
        host.job = line.strip_prefix("ready ").unwrap_or_else(|| panic!("{line}")).to_owned();
        host
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn number(&self) -> String {
        self.process.id().to_string()
    }

    fn address(&self) -> String {
        endpoint::address_of(self.process.id())
    }

    /// Waits for all threads, because a signal that stops a process reaches its threads one by one.
    fn wait_until_stopped(&self) {
        let until = Instant::now() + Duration::from_secs(support::HANG_SECONDS);
        let tasks = format!("/proc/{}/task", self.process.id());
        let is_stopped = || {
            let mut threads = std::fs::read_dir(&tasks).unwrap();
            threads.all(|thread| {
                let about = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
                about.rsplit(") ").next().unwrap().starts_with('T')
            })
        };
        while !is_stopped() {
            assert!(Instant::now() < until, "it does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn signal(&self, signal: &str) {
        support::run(Command::new("kill").args([signal, &self.number()]));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(self.address());
    }
}

/// A Python that each user may run.
const PYTHON: &str = "/usr/bin/python3";

fn tool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dcc-control")).args(arguments).output().unwrap()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a program can be run as another user; if not, this notes the skip.
fn can_be_another_user(test: &str) -> bool {
    let is_root = support::printed(Command::new("id").arg("-u")).trim() == "0";
    let can_be = is_root && support::exists("setpriv") && support::exists(PYTHON);
    if !can_be {
        support::skip(test, &format!("it needs root, setpriv and {PYTHON}"));
    }
    can_be
}

fn python_of_another_user() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", PYTHON]);
    command
}

#[test]
fn a_job_of_a_frozen_host_is_found_and_stopped() {
    let mut host = Host::start("frozen");
    let listed = shown(&tool(&["list"]));
    let of_host = format!("Frozen host, process {}, ", host.number());
    let lines: Vec<&str> = listed.lines().skip_while(|line| !line.starts_with(&of_host)).collect();
    assert!(lines[1].contains(&format!("dispatcher: inside job {} for ", host.job)), "{listed}");
    assert!(lines[2].contains("running") && lines[2].contains("  Bake"), "{listed}");

    let process = host.number();
    let polls = shown(&tool(&["trace", &host.job, "--seconds", "0.3", "--process", &process]));
    assert!(polls.contains("tests/control/frozen_host.cpp:"), "{polls}");

    let began = Instant::now();
    let cancel = tool(&["cancel", &host.job, "--reason", "it hangs", "--process", &process]);
    assert!(cancel.status.success(), "{}{}", shown(&cancel), complaint(&cancel));
    support::show(&format!(
        "FIGURE dcc-control cancel, the start of its process and its wait for the end included: {:.1} ms",
        began.elapsed().as_secs_f64() * 1e3
    ));
    assert_eq!(host.line(), "stopped: it hangs, 5");
    assert!(host.process.wait().unwrap().success());
    assert!(!Path::new(&host.address()).exists(), "its file is gone with it");
}

#[test]
fn a_host_that_is_stopped_as_a_whole_is_said_to_be_so() {
    let host = Host::start("stopped");
    let other = Host::start("beside_a_stopped");
    assert_eq!(host.job, other.job, "ids are a process's own");
    let mut watch = Command::new(env!("CARGO_BIN_EXE_dcc-control"))
        .args(["watch", &host.job, "--interval", "0.05", "--process", &host.number()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("running"), "{first}");
    host.signal("-STOP");
    host.wait_until_stopped();

    // The silent host may have the job that is meant, so a job with that id in another host is left
    // alone.
    let cancel = tool(&["cancel", &host.job]);
    assert_eq!(cancel.status.code(), Some(1));
    assert!(complaint(&cancel).contains("add --process"), "{}", complaint(&cancel));
    let beside = tool(&["list", "--json", "--process", &other.number()]);
    assert!(shown(&beside).contains(r#""cancelled":null"#), "{}", shown(&beside));

    let watch = watch.wait_with_output().unwrap();
    assert_eq!(watch.status.code(), Some(1), "{}", complaint(&watch));
    assert!(complaint(&watch).contains("does not answer within"), "{}", complaint(&watch));
    let output = tool(&["list", "--process", &host.number()]);
    host.signal("-CONT");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint(&output).contains("does not answer within 5 seconds"),
        "{}",
        complaint(&output)
    );
    assert!(tool(&["list", "--process", &host.number()]).status.success(), "it goes on");
}

/// A host without a handler for SIGPIPE survives a client that disconnects before its answer comes.
#[test]
fn who_goes_before_the_answer_does_not_end_the_host() {
    let mut host = Host::start("gone");
    for _ in 0..200 {
        let mut client = UnixStream::connect(host.address()).unwrap();
        client.write_all(b"{\"do\":\"list\"}\n").unwrap();
        drop(client);
    }
    assert!(tool(&["list", "--process", &host.number()]).status.success());
    assert!(host.process.try_wait().unwrap().is_none());
}

/// If the host served the silent clients one after the other, the tool would wait in vain.
#[test]
fn silent_clients_keep_nobody_from_an_answer() {
    let host = Host::start("silent");
    let silent: Vec<_> = (0..200).map(|_| UnixStream::connect(host.address()).unwrap()).collect();
    let output = tool(&["list", "--process", &host.number()]);
    assert!(output.status.success(), "{}", complaint(&output));
    drop(silent);
}

/// A host that another user runs, because root would be allowed everything.
const UMASK_HOST: &str = r#"
import ctypes, os, subprocess, sys
library, tool, umask, before = sys.argv[1:]
folder = f'/tmp/dcc-cancel-{os.getuid()}'
if before != 'none':
    os.mkdir(folder)
    os.chmod(folder, int(before, 8))
dcc = ctypes.CDLL(library)
text = ctypes.create_string_buffer(512)
os.umask(int(umask, 8))
status = dcc.dcc_control_open(None)
if status != 0:
    dcc.dcc_last_error(text, 512, None)
    sys.exit(f'{status} {text.value.decode()}')
dcc.dcc_control_address(text, 512, None)
address = text.value.decode()
assert os.path.dirname(address) == folder, address
modes = [oct(os.stat(path).st_mode & 0o777) for path in (folder, address)]
listed = subprocess.run([tool, 'list', '--process', str(os.getpid())], capture_output=True)
assert listed.returncode == 0, listed
assert dcc.dcc_control_close() == 0
print(*modes)
"#;

#[test]
fn the_folder_is_right_whatever_the_umask_is() {
    if !can_be_another_user("the_folder_is_right_whatever_the_umask_is") {
        return;
    }
    // A folder that each user may read.
    let stage = std::env::temp_dir().join(format!("dcc-umask-{}", std::process::id()));
    std::fs::create_dir_all(&stage).unwrap();
    std::fs::set_permissions(&stage, std::fs::Permissions::from_mode(0o755)).unwrap();
    let [library, program] = ["library.so", "dcc-control"].map(|name| stage.join(name));
    std::fs::copy(support::built_library(), &library).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_dcc-control"), &program).unwrap();
    for file in [&library, &program] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let folder = Path::new("/tmp/dcc-cancel-65534");
    let host = |umask: &str, before: &str| {
        let _ = std::fs::remove_dir_all(folder);
        let mut command = python_of_another_user();
        command.args(["-c", UMASK_HOST]).args([&library, &program]).args([umask, before]);
        let output = command.output().unwrap();
        let _ = std::fs::remove_dir_all(folder);
        output
    };
    // A host with an unusual umask may have left the folder behind.
    for before in ["none", "700", "500", "300", "000"] {
        for umask in ["022", "000", "077", "277", "377", "700", "777"] {
            let output = host(umask, before);
            let about = format!("umask {umask}, before {before}: {}", complaint(&output));
            assert_eq!(shown(&output).trim_end(), "0o700 0o600", "{about}");
        }
    }
    // A folder that other users may enter is not used, and not changed either.
    for before in ["755", "777", "710"] {
        let output = host("000", before);
        let expected = "-17 cannot open the control endpoint: /tmp/dcc-cancel-65534 is not a folder \
            that only this user can enter";
        assert_eq!(complaint(&output).trim_end(), expected, "before {before}");
    }
    std::fs::remove_dir_all(&stage).unwrap();
}

#[test]
fn what_a_killed_host_leaves_is_cleared_away() {
    let mut host = Host::start("killed");
    host.signal("-KILL");
    host.process.wait().unwrap();
    let file = host.address();
    assert!(Path::new(&file).exists());
    assert!(!endpoint::processes().contains(&host.process.id()));
    assert!(Path::new(&file).exists(), "so young, it could be about to listen");
    support::run(Command::new("touch").args(["-d", "2 minutes ago", &file]));
    assert!(!endpoint::processes().contains(&host.process.id()));
    assert!(!Path::new(&file).exists());
    let output = tool(&["list", "--process", &host.number()]);
    assert!(
        complaint(&output).contains("it has ended, or has not called"),
        "{}",
        complaint(&output)
    );
}

/// Another user cannot enter the folder, and gets no answer even if the folder's owner has opened
/// it.
#[test]
fn another_user_is_not_let_in() {
    let visit = |address: &str| {
        let program = "import socket, sys\n\
            visitor = socket.socket(socket.AF_UNIX)\n\
            visitor.settimeout(float(sys.argv[2]))\n\
            try:\n    visitor.connect(sys.argv[1])\nexcept PermissionError:\n    sys.exit('refused')\n\
            try:\n    visitor.sendall(b'{\"do\":\"list\"}\\n')\n    answer = visitor.recv(10)\n\
            except OSError:\n    answer = b''\n\
            sys.exit('no answer' if answer == b'' else 'answered')";
        let output = python_of_another_user()
            .args(["-c", program, address, &support::HANG_SECONDS.to_string()])
            .output()
            .unwrap();
        complaint(&output).trim_end().to_owned()
    };
    if !can_be_another_user("another_user_is_not_let_in") {
        return;
    }
    let host = Host::start("visited");
    let address = host.address();
    assert_eq!(visit(&address), "refused");

    // Other tests use the folder, too, so it is opened for a moment only.
    let folder = Path::new(&address).parent().unwrap().to_owned();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(Path::new(&address), 0o777);
    open(&folder, 0o711);
    let answer = visit(&address);
    open(&folder, 0o700);
    assert_eq!(answer, "no answer");
    assert!(tool(&["list", "--process", &host.number()]).status.success(), "its own user is");
}

/// The tool sends nothing to a socket that another user has put in the host's place.
#[test]
fn what_another_user_listens_on_is_not_asked() {
    if !can_be_another_user("what_another_user_listens_on_is_not_asked") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("dcc-trap-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let trap = folder.join("trap.sock");
    let program = "import os, socket, sys\n\
        trap = socket.socket(socket.AF_UNIX)\ntrap.bind(sys.argv[1])\n\
        os.chmod(sys.argv[1], 0o777)\ntrap.listen()\nprint('ready', flush=True)\n\
        trap.settimeout(float(sys.argv[2]))\nprint('heard', trap.accept()[0].recv(10))";
    let mut trapper = python_of_another_user()
        .args(["-c", program])
        .arg(&trap)
        .arg(support::HANG_SECONDS.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(trapper.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "ready");
    let answer = endpoint::exchange(
        trap.to_str().unwrap(),
        "secret",
        Duration::from_secs(support::HANG_SECONDS),
    );
    assert_eq!(answer.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(said.next().unwrap().unwrap(), "heard b''");
    assert!(trapper.wait().unwrap().success());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    let folder = support::scratch("control_folder");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!endpoint::is_private(&folder));
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(endpoint::is_private(&folder));
    let link = folder.join("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    assert!(!endpoint::is_private(&link), "a link may lead anywhere");
}
