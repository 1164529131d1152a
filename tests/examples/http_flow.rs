//! The HTTP requests of a cancel, made with nothing but curl: one starts a call, a second
//! connection cancels it by its id, and the answer arrives on the first. Newman runs the same as a
//! collection of Postman.

#![cfg(target_os = "linux")]

#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mcp_server.rs"]
mod mcp_server;
#[path = "../support/node_packages.rs"]
mod node_packages;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;

use mcp_server::{HttpServer, Sdk, limited};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FOR_EVER: u64 = 1_000_000_000;

/// A session with the server.
struct Session {
    url: String,
    id: String,
}

impl Session {
    fn open(url: &str) -> Self {
        let mut session = Self { url: url.to_owned(), id: String::new() };
        let printed = support::printed(&mut session.post(&json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "curl", "version": "1"},
            },
        })));
        let header = printed.lines().find_map(|line| {
            line.to_lowercase().strip_prefix("mcp-session-id:").map(str::to_owned)
        });
        session.id = header.expect(&printed).trim().to_owned();
        session.notify("notifications/initialized", json!({}));
        session
    }

    /// A command that sends a message. It prints the headers of the answer and then its lines as
    /// they come.
    fn post(&self, message: &Value) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--no-buffer", "--include", "--max-time", "60"]);
        command.args(["--header", "Content-Type: application/json"]);
        command.args(["--header", "Accept: application/json, text/event-stream"]);
        if !self.id.is_empty() {
            command.arg("--header").arg(format!("Mcp-Session-Id: {}", self.id));
            command.args(["--header", "MCP-Protocol-Version: 2025-11-25"]);
        }
        command.arg("--data").arg(message.to_string()).arg(&self.url);
        command
    }

    fn notify(&self, method: &str, params: Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        let printed = support::printed(&mut self.post(&message));
        assert!(printed.starts_with("HTTP/1.1 202 "), "{printed}");
    }

    fn call(&self, id: Value, tool: &str, arguments: Value) -> Value {
        let printed = support::printed(&mut self.post(&tools_call(&id, tool, arguments)));
        let answer = messages(&printed).pop().expect("an answer");
        assert_eq!(answer["id"], id);
        answer["result"]["structuredContent"].clone()
    }
}

fn tools_call(id: &Value, tool: &str, arguments: Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": {"progressToken": "how far"}},
    })
}

/// The messages of an event stream.
fn messages(printed: &str) -> Vec<Value> {
    let data = printed.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|text| serde_json::from_str(text).ok()).collect()
}

/// A call that waits for its answer.
struct Waiting {
    curl: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Waiting {
    fn start(session: &Session, id: &Value, tool: &str, arguments: Value) -> Self {
        Self::send(session, &tools_call(id, tool, arguments))
    }

    fn send(session: &Session, call: &Value) -> Self {
        let mut curl = session.post(call).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(curl.stdout.take().unwrap()).lines();
        Self { curl, lines }
    }

    fn next_message(&mut self) -> Option<Value> {
        self.lines.by_ref().find_map(|line| messages(&line.unwrap()).pop())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.curl.kill();
        let _ = self.curl.wait();
    }
}

fn start_cancel_and_see_the_answer(test: &str, sdk: Sdk, code: i64) {
    if !support::exists("curl") {
        return support::skip(test, "no curl");
    }
    let log = support::scratch(test).join("server.log");
    let server = HttpServer::start(sdk, &log);
    let session = Session::open(&server.url);

    let id = json!("bake-7");
    let mut call = Waiting::start(&session, &id, "long_execution", json!({"count": FOR_EVER}));
    let progress = call.next_message().expect("progress");
    assert_eq!(progress["method"], "notifications/progress", "{progress}");
    assert_eq!(progress["params"]["progressToken"], "how far", "{progress}");

    session.notify("notifications/cancelled", json!({"requestId": id, "reason": "by curl"}));
    let answer = std::iter::from_fn(|| call.next_message())
        .find(|message| message.get("method").is_none())
        .expect("an answer on the connection that asked");
    assert_eq!(answer["id"], id, "{answer}");
    assert_eq!(answer["error"]["code"], code, "{answer}");
    assert_eq!(answer["error"]["message"], "Request cancelled", "{answer}");
    assert!(call.next_message().is_none(), "nothing follows an answer");
    assert!(call.curl.wait().unwrap().success());

    // This holds right after the cancel, too: one version answers before the native loop has
    // stopped.
    let partial = session.call(json!(1), "last_partial_result", json!({}));
    assert_eq!(partial["found"], true, "{partial}");
    assert_eq!(partial["request_id"], id, "{partial}");
    assert_eq!(partial["reason"], "by curl", "{partial}");
    let (done, at_cancel) = (&partial["done"], &partial["done_at_cancel"]);
    let late = done.as_i64().unwrap() - at_cancel.as_i64().unwrap();
    assert!((0..=2).contains(&late), "{partial}");
    assert!(done.as_u64().unwrap() > 0, "{partial}");

    // The same id is used again.
    let short = session.call(id, "short_execution", json!({"topic": "curl"}));
    assert!(short["done"].as_u64().unwrap() > 0 && short["done"] == short["asked"], "{short}");
    assert_eq!(session.call(json!(0), "open_resources", json!({})), json!({"open": 0}));
}

/// The library also understands LSP's cancel, which the SDK does not: the server has to answer by
/// itself.
#[test]
#[ignore = "an SDK from PyPI"]
fn a_cancel_that_the_sdk_does_not_know_is_answered_all_the_same() {
    let test = "http_flow-unknown";
    if !support::exists("curl") {
        return support::skip(test, "no curl");
    }
    let log = support::scratch(test).join("server.log");
    let server = HttpServer::start(Sdk::Two, &log);
    let session = Session::open(&server.url);
    let id = json!(7);
    let mut call = Waiting::start(&session, &id, "long_execution", json!({"count": FOR_EVER}));
    call.next_message().expect("progress");
    session.notify("$/cancelRequest", json!({"id": id}));
    let answer = std::iter::from_fn(|| call.next_message())
        .find(|message| message.get("method").is_none())
        .expect("an answer");
    assert_eq!(
        answer["error"],
        json!({"code": -32800, "message": "Request cancelled"}),
        "{answer}"
    );
    let partial = session.call(json!(8), "last_partial_result", json!({}));
    assert_eq!(partial["ways"], json!(["message"]), "{partial}");
}

/// Waits for the answer to a call, on the call's connection.
fn answer_to(call: &mut Waiting) -> Value {
    std::iter::from_fn(|| call.next_message())
        .find(|message| message.get("method").is_none())
        .expect("an answer")
}

#[test]
#[ignore = "an SDK from PyPI"]
fn an_id_in_flight_is_an_invalid_request_and_free_as_soon_as_its_call_has_stopped() {
    let test = "http_flow-reused";
    if !support::exists("curl") {
        return support::skip(test, "no curl");
    }
    let server = HttpServer::start(Sdk::Two, &support::scratch(test).join("server.log"));
    let session = Session::open(&server.url);
    let id = json!(7);
    let run = |count| json!({"count": count});
    for round in 0..5 {
        let mut call = Waiting::start(&session, &id, "long_execution", run(FOR_EVER));
        call.next_message().expect("progress");
        if round == 0 {
            let mut second = Waiting::start(&session, &id, "long_execution", run(1));
            let answer = answer_to(&mut second);
            assert_eq!(answer["error"]["code"], -32600, "{answer}");
        }
        session.notify("notifications/cancelled", json!({"requestId": id, "reason": "again"}));
        // The test does not wait for the answer first, because a busy SDK sends it late.
        let partial = session.call(json!(8), "last_partial_result", json!({}));
        assert_eq!(partial["found"], true, "{partial}");
        let short = session.call(id.clone(), "short_execution", json!({"topic": "reused"}));
        assert_eq!(short["done"], short["asked"], "{short}");
    }
}

fn a_call_ends_by_the_deadline_that_its_meta_has(test: &str, sdk: Sdk, kind: &str) {
    if !support::exists("curl") {
        return support::skip(test, "no curl");
    }
    let server = HttpServer::start(sdk, &support::scratch(test).join("server.log"));
    let session = Session::open(&server.url);
    let mut message = tools_call(&json!(7), "long_execution", json!({"count": FOR_EVER}));
    message["params"]["_meta"]["dcc-cancel/timeoutMs"] = json!(300);
    let answer = answer_to(&mut Waiting::send(&session, &message));
    for part in [kind, "The server cancelled the request"] {
        assert!(answer.to_string().contains(part), "{answer}");
    }
    let partial = session.call(json!(8), "last_partial_result", json!({}));
    assert_eq!(partial["reason"], "deadline exceeded", "{partial}");
}

#[test]
#[ignore = "an SDK from PyPI"]
fn server_1_stops_at_a_deadline_in_meta() {
    a_call_ends_by_the_deadline_that_its_meta_has(
        "http_flow-deadline-1",
        Sdk::One,
        r#""isError":true"#,
    );
}

#[test]
#[ignore = "an SDK from PyPI"]
fn server_2_stops_at_a_deadline_in_meta() {
    a_call_ends_by_the_deadline_that_its_meta_has(
        "http_flow-deadline-2",
        Sdk::Two,
        r#""code":-32802"#,
    );
}

#[test]
#[ignore = "an SDK from PyPI"]
fn server_1_answers_a_cancelled_call_with_its_own_error() {
    start_cancel_and_see_the_answer("http_flow-1", Sdk::One, 0);
}

#[test]
#[ignore = "an SDK from PyPI"]
fn server_2_answers_a_cancelled_call_with_the_error_of_2025() {
    start_cancel_and_see_the_answer("http_flow-2", Sdk::Two, -32800);
}

/// The requests of a collection are sent one after the other. A script sends the call that is to be
/// cancelled.
#[test]
#[ignore = "an SDK from PyPI, newman from npm"]
fn the_collection_of_postman_passes() {
    let test = "http_flow-postman";
    if !node_packages::exist() {
        return support::skip(test, "no nodejs and npm");
    }
    let folder = support::scratch(test);
    let file = folder.join("large");
    std::fs::File::create(&file).unwrap().set_len(1 << 38).unwrap();
    let server = HttpServer::start(Sdk::Two, &folder.join("server.log"));
    let said = support::printed(
        limited(Path::new("node"))
            .arg(node_packages::newman())
            .arg("run")
            .arg(support::root().join("examples/mcp_server/postman_collection.json"))
            .args(["--folder", "In one run", "--reporters", "json", "--reporter-json-export"])
            .arg(folder.join("run.json"))
            .args(["--env-var", &format!("url={}", server.url)])
            .args(["--env-var", &format!("file={}", file.display())]),
    );
    let run = std::fs::read(folder.join("run.json")).expect(&said);
    let run: Value = serde_json::from_slice(&run).unwrap();
    let stats = &run["run"]["stats"];
    assert_eq!(run["run"]["failures"], json!([]), "{said}");
    // The assertions of the four requests before, two for each cancel, and one after.
    assert_eq!(stats["assertions"]["total"], 4 + 3 * 2 + 1, "{stats}");
    assert_eq!(stats["items"]["total"], 8, "{stats}");
}
