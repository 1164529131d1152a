//! A running driver with its bridge, and clients that connect to it.

use super::json_rpc_peer::JsonRpcPeer;
use super::support;
use super::unreal::{Variant, driver};
use serde_json::{Value, json};
use std::fs::{read_dir, read_to_string};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

/// Longer than any step takes, even on a busy machine.
pub const LONG: Duration = Duration::from_secs(include!("hang_seconds"));

/// A running driver with an open bridge; dropping this kills it.
pub struct Editor {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    settings: PathBuf,
}

impl Editor {
    /// Starts a driver with these settings. If it cannot be built, this notes the skip and returns
    /// `None`.
    pub fn start(test: &str, variant: Variant, settings: &[&str]) -> Option<Self> {
        let folder = support::scratch(test);
        let mut command = driver(test, variant, &folder)?;
        command.arg("serve").args(settings).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut editor = Self { process, input, output, settings: folder };
        assert_eq!(editor.next_line(), "ready");
        Some(editor)
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the driver has ended: {:?}", self.process.wait());
        line.trim_end().to_owned()
    }

    /// Lets the driver's game thread run a command; returns what it printed.
    pub fn command(&mut self, line: &str) -> Vec<String> {
        writeln!(self.input, "{line}").unwrap();
        let mut printed = Vec::new();
        loop {
            match self.next_line() {
                line if line == "done" => return printed,
                line => printed.push(line),
            }
        }
    }

    /// Waits for this many lines of the log that contain this text.
    pub fn logged(&mut self, text: &str, count: usize) -> Vec<String> {
        let until = Instant::now() + LONG;
        loop {
            let mut lines = self.command("log");
            lines.retain(|line| line.contains(text));
            if lines.len() >= count {
                assert_eq!(lines.len(), count, "{lines:?}");
                return lines;
            }
            assert!(Instant::now() < until, "{text}: {lines:?}");
        }
    }

    /// The files that tell clients where bridges are.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let files = read_dir(self.settings.join("CancellableJobs"));
        files.into_iter().flatten().map(|file| file.unwrap().path()).collect()
    }

    /// The bridge's port and secret.
    pub fn door(&self) -> (u16, String) {
        let files = self.secret_files();
        assert_eq!(files.len(), 1, "{files:?}");
        let door: Value = serde_json::from_str(&read_to_string(&files[0]).unwrap()).unwrap();
        let port = door["port"].as_u64().unwrap();
        (u16::try_from(port).unwrap(), door["secret"].as_str().unwrap().to_owned())
    }

    /// A client that is connected and has sent nothing.
    pub fn stranger(&self) -> Client {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.door().0)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { input: BufReader::new(stream.try_clone().unwrap()), output: stream }
    }

    /// A client that the bridge has accepted.
    pub fn client(&self) -> Client {
        let mut client = self.stranger();
        client.hello(&self.door().1);
        let answer = client.next();
        assert_eq!(answer["result"], json!({"name": "CancellableJobs", "protocol": 1}), "{answer}");
        client
    }

    /// Ends the driver; it unloads the module first.
    pub fn quit(mut self) {
        writeln!(self.input, "quit").unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(self.secret_files(), [] as [PathBuf; 0]);
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to the bridge.
pub struct Client {
    input: BufReader<TcpStream>,
    pub output: TcpStream,
}

impl JsonRpcPeer for Client {
    fn send(&mut self, message: &Value) {
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    fn next(&mut self) -> Value {
        self.next_or_end().expect("a message")
    }
}

impl Client {
    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.output.write_all(bytes).unwrap();
    }

    /// Sends a secret.
    pub fn hello(&mut self, secret: &str) {
        self.request(0, "hello", json!({"secret": secret}));
    }

    /// Starts a run whose id is also its progress token.
    pub fn run(&mut self, id: impl Into<Value>, mode: &str, passes: u32) {
        let id = id.into();
        let meta = json!({"progressToken": id});
        self.request(id, "run", json!({"mode": mode, "passes": passes, "_meta": meta}));
    }

    /// The next line; `None` at the end of the connection.
    pub fn next_or_end(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a request and returns its answer.
    pub fn asked(&mut self, id: &str, method: &str, params: Value) -> Value {
        self.request(id, method, params);
        let answer = self.next_answer();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Checks that the connection ends with this error.
    pub fn assert_refused(&mut self, code: i64, text: &str) {
        let answer = self.next_answer();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(null), &json!(code)),
            "{answer}"
        );
        assert!(answer["error"]["message"].as_str().unwrap().contains(text), "{answer}");
        assert_eq!(self.next_or_end(), None);
    }
}
