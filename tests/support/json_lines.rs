//! A server that speaks JSON-RPC over its standard streams, one message a line. It runs as a child
//! process.

use super::json_rpc_peer::JsonRpcPeer;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A wait that takes longer counts as hanging.
const LONG: Duration = Duration::from_secs(include!("hang_seconds"));

/// A running server; dropping this kills it.
pub struct Server {
    process: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    log: Receiver<String>,
}

/// Receives the lines of a stream as they are written.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    lines
}

impl JsonRpcPeer for Server {
    fn send(&mut self, message: &Value) {
        self.send_bytes(message.to_string().as_bytes());
    }

    fn next(&mut self) -> Value {
        let line = self.answers.recv_timeout(LONG).expect("a message");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Server {
    /// Starts one.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take();
        let answers = lines(process.stdout.take().unwrap());
        let log = lines(process.stderr.take().unwrap());
        Self { process, input, answers, log }
    }

    /// Sends a line as it is.
    pub fn send_bytes(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    /// Calls a tool. The call's id is also its progress token.
    pub fn call(&mut self, id: impl Into<Value>, tool: &str, arguments: Value) {
        let id = id.into();
        let meta = json!({"progressToken": id});
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        self.request(id, "tools/call", params);
    }

    /// Waits for the first line of the log that starts with this, and returns its rest.
    pub fn logged(&mut self, start: &str) -> String {
        loop {
            let line = self.log.recv_timeout(LONG).unwrap_or_else(|_| panic!("no line: {start}"));
            if let Some((_, rest)) = line.split_once(start) {
                return rest.to_owned();
            }
        }
    }

    /// Closes the server's input.
    pub fn end_input(&mut self) {
        drop(self.input.take());
    }

    /// Closes the server's input and waits until the server ends. Returns its status, and the
    /// messages that were not read yet.
    pub fn close(mut self) -> (ExitStatus, Vec<Value>) {
        self.end_input();
        let until = Instant::now() + LONG;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "the server goes on after the end of its input");
            thread::sleep(Duration::from_millis(1));
        };
        let rest = self.answers.iter().map(|line| serde_json::from_str(&line).unwrap());
        (status, rest.collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
