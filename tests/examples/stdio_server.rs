//! `examples/stdio_server`, an MCP server in C++. The tests send it lines, and official clients
//! call it.

#![cfg(target_os = "linux")]

#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/json_lines.rs"]
mod json_lines;
#[path = "../support/json_rpc_peer.rs"]
mod json_rpc_peer;
#[path = "../support/node_packages.rs"]
mod node_packages;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;

use json_lines::Server;
use json_rpc_peer::JsonRpcPeer;
use python_venv::venv;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// More passes than any machine makes during a test.
const FOR_EVER: i64 = 1_000_000_000_000;

/// The server, compiled with our warnings. If it cannot be compiled, this notes the skip and
/// returns `None`.
fn program(test: &str) -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let mut preprocess = Command::new(support::cxx());
        preprocess.args(["-E", "-include", "nlohmann/json.hpp", "-x", "c++", "/dev/null"]);
        if !preprocess.output().unwrap().status.success() {
            return None;
        }
        let folder = support::scratch("stdio_server");
        support::staged_library(&folder);
        let program = folder.join("stdio_server");
        support::run(
            Command::new(support::cxx())
                .args(support::CXX_FLAGS)
                .args(["-Wconversion", "-Wold-style-cast", "-O1", "-pthread", "-I"])
                .arg(support::include())
                .arg(support::root().join("examples/stdio_server/main.cpp"))
                .arg("-L")
                .arg(&folder)
                .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
                .arg(&program),
        );
        Some(program)
    });
    if program.is_none() {
        support::skip(test, "nlohmann-json3-dev is not installed");
    }
    program.as_deref()
}

fn started(test: &str) -> Option<Server> {
    program(test).map(|program| {
        let mut command = Command::new(program);
        support::with_own_libraries(&mut command);
        Server::start(command)
    })
}

/// How many passes a cancelled call had made, of the `asked` ones.
fn passes_kept(line: &str, asked: i64) -> f64 {
    let end = format!(" of {asked} times");
    let done = line.split_once("kept: smoothed ").and_then(|(_, rest)| rest.strip_suffix(&end));
    done.unwrap_or_else(|| panic!("{line}")).parse().unwrap()
}

fn text_of(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap()
}

/// The ids that were answered.
fn ids(answers: &[Value]) -> Vec<&Value> {
    answers
        .iter()
        .filter(|message| message["method"].is_null())
        .map(|answer| &answer["id"])
        .collect()
}

/// Checks that the server sends nothing more, except possibly progress of a call.
fn ends_in_silence(server: Server) {
    let (status, rest) = server.close();
    assert!(status.success(), "{status}");
    assert!(ids(&rest).is_empty(), "{rest:?}");
}

#[test]
fn a_cancelled_call_stops_and_is_not_answered() {
    let Some(mut server) = started("a_cancelled_call_stops_and_is_not_answered") else { return };
    server.call(1, "long_execution", json!({"count": FOR_EVER}));
    let (first, second) = (server.progress_of(1), server.progress_of(1));
    assert!(0.0 < first && first < second && second < FOR_EVER as f64, "{first} {second}");
    server.cancel(1, "User pressed Esc");
    let rest = server.logged("request 1 cancelled (User pressed Esc), ");
    assert!(passes_kept(&rest, FOR_EVER) > 0.0, "{rest}");
    server.call(2, "short_execution", json!({"topic": "still here"}));
    let answer = server.next_answer();
    assert_eq!((&answer["id"], text_of(&answer)), (&json!(2), "in short: still here"));
    ends_in_silence(server);
}

#[test]
fn a_call_that_is_cancelled_as_lsp_and_acp_have_it_is_answered() {
    let test = "a_call_that_is_cancelled_as_lsp_and_acp_have_it_is_answered";
    let Some(mut server) = started(test) else { return };
    for (id, method, named) in [(1, "$/cancelRequest", "id"), (2, "$/cancel_request", "requestId")]
    {
        server.call(id, "long_execution", json!({"count": FOR_EVER}));
        server.progress_of(id);
        let params = json!({ named: id });
        server.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
        let answer = server.next_answer();
        assert_eq!(answer["id"], json!(id), "{answer}");
        assert_eq!(answer["error"]["code"], -32800, "{answer}");
    }
    ends_in_silence(server);
}

/// Sends a request of a client that supports tasks.
fn ask_as_one_who_knows_tasks(
    server: &mut Server,
    id: i64,
    method: &str,
    mut params: Value,
) -> Value {
    let extensions = json!({"io.modelcontextprotocol/tasks": {}});
    params["_meta"] =
        json!({"io.modelcontextprotocol/clientCapabilities": {"extensions": extensions}});
    server.request(id, method, params);
    let answer = server.next();
    assert_eq!(answer["id"], id, "{answer}");
    answer
}

#[test]
fn a_task_is_answered_at_once_and_cancelled_by_its_own_id() {
    let Some(mut server) = started("a_task_is_answered_at_once_and_cancelled_by_its_own_id") else {
        return;
    };
    let mut next_id = 0;
    let mut ask = |server: &mut Server, method: &str, params: Value| {
        next_id += 1;
        ask_as_one_who_knows_tasks(server, next_id, method, params)
    };
    let long = |count| json!({"name": "long_execution", "arguments": {"count": count}});
    let made = ask(&mut server, "tools/call", long(FOR_EVER))["result"].clone();
    assert_eq!((&made["resultType"], &made["status"]), (&json!("task"), &json!("working")));
    let named = json!({"taskId": made["taskId"]});
    let told = ask(&mut server, "tasks/get", named.clone())["result"].clone();
    assert_eq!((&told["resultType"], &told["status"]), (&json!("complete"), &json!("working")));
    // The request has been answered, so its own id cancels nothing, and neither does the task's id
    // as a request's id.
    server.cancel(1, "too late");
    server.logged("a cancel was ignored: request 1 is over");
    server.send(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": made["taskId"], "reason": "not the way"},
    }));
    server.logged("a cancel was ignored: request ");
    let told = ask(&mut server, "tasks/get", named.clone());
    assert_eq!(told["result"]["status"], "working", "{told}");

    let heard = ask(&mut server, "tasks/cancel", named.clone());
    assert_eq!(heard["result"], json!({"resultType": "complete"}));
    passes_kept(&server.logged(" cancelled, "), FOR_EVER);
    let told = ask(&mut server, "tasks/get", named.clone())["result"].clone();
    assert_eq!(told["status"], "cancelled", "{told}");
    assert!(told["result"].is_null(), "{told}");
    // A cancel of a task that is over is answered, too.
    let heard = ask(&mut server, "tasks/cancel", named.clone());
    assert_eq!(heard["result"], json!({"resultType": "complete"}));
    let heard = ask(&mut server, "tasks/update", named.clone());
    assert_eq!(heard["result"], json!({"resultType": "complete"}));

    let made = ask(&mut server, "tools/call", long(2_000))["result"].clone();
    let whole = json!({"taskId": made["taskId"]});
    let done = loop {
        let told = ask(&mut server, "tasks/get", whole.clone());
        if told["result"]["status"] != "working" {
            break told["result"].clone();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["result"]["content"][0]["text"], "smoothed 2000 of 2000 times");
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        for params in [json!({"taskId": "nobody"}), json!({"taskId": 7}), json!({})] {
            assert_eq!(ask(&mut server, method, params)["error"]["code"], -32602);
        }
        // A client that does not declare support for tasks gets an error that names what is
        // missing.
        server.request("unknowing", method, named.clone());
        let error = server.next()["error"].clone();
        assert_eq!(error["code"], -32021, "{error}");
        let missing = &error["data"]["requiredCapabilities"]["extensions"];
        assert_eq!(missing, &json!({"io.modelcontextprotocol/tasks": {}}));
    }
    assert_eq!(ask(&mut server, "tasks/list", named)["error"]["code"], -32601);
    // A call that is done at once does not become a task, and a running task does not keep the
    // server from working.
    let short = json!({"name": "short_execution", "arguments": {"topic": "tasks"}});
    assert_eq!(text_of(&ask(&mut server, "tools/call", short)), "in short: tasks");
    ask(&mut server, "tools/call", long(FOR_EVER));
    server.end_input();
    passes_kept(&server.logged(" cancelled, "), FOR_EVER);
    ends_in_silence(server);
}

#[test]
fn a_call_ends_when_its_peer_waits_no_longer() {
    let Some(mut server) = started("a_call_ends_when_its_peer_waits_no_longer") else { return };
    let arguments = json!({"count": FOR_EVER});
    let meta = json!({"dcc-cancel/timeoutMs": 20, "traceparent": "no trace"});
    let params = json!({"name": "long_execution", "arguments": arguments, "_meta": meta});
    server.request(1, "tools/call", params);
    // The request was cancelled by the server's side and not by its peer.
    let answer = server.next();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32802)), "{answer}");
    server.logged("request 1 cancelled (deadline exceeded), ");
    ends_in_silence(server);
}

#[test]
fn progress_rises_to_the_whole_before_the_answer() {
    let Some(mut server) = started("progress_rises_to_the_whole_before_the_answer") else { return };
    server.call("p", "long_execution", json!({"count": 8_000}));
    let mut told = Vec::new();
    let answer = loop {
        let message = server.next();
        if message["method"].is_null() {
            break message;
        }
        let params = &message["params"];
        assert_eq!((&params["progressToken"], &params["total"]), (&json!("p"), &json!(8_000)));
        told.push(params["progress"].as_f64().unwrap());
    };
    assert_eq!(text_of(&answer), "smoothed 8000 of 8000 times");
    assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
    assert!(told.len() > 1 && told.last() == Some(&8_000.0), "{told:?}");
    ends_in_silence(server);
}

#[test]
fn of_three_calls_at_once_the_middle_one_is_cancelled() {
    let Some(mut server) = started("of_three_calls_at_once_the_middle_one_is_cancelled") else {
        return;
    };
    for (id, count) in [(1, 2_000), (2, FOR_EVER), (3, 3_000)] {
        server.call(id, "long_execution", json!({"count": count}));
    }
    server.progress_of(2);
    server.cancel(2, "");
    let mut answers = [server.next_answer(), server.next_answer()];
    answers.sort_by_key(|answer| answer["id"].as_i64());
    assert_eq!(ids(&answers), [&json!(1), &json!(3)]);
    let texts = ["smoothed 2000 of 2000 times", "smoothed 3000 of 3000 times"];
    assert_eq!(answers.each_ref().map(text_of), texts);
    passes_kept(&server.logged("request 2 cancelled (), "), FOR_EVER);
    ends_in_silence(server);
}

#[test]
fn a_cancel_after_the_end_touches_nobody() {
    let Some(mut server) = started("a_cancel_after_the_end_touches_nobody") else { return };
    for _ in 0..2 {
        // The same id again: the late cancel does not apply to this call.
        server.call(5, "short_execution", json!({"topic": "once"}));
        assert_eq!(text_of(&server.next_answer()), "in short: once");
        server.cancel(5, "too late");
        server.logged("a cancel was ignored: request 5 is over");
    }
    ends_in_silence(server);
}

#[test]
fn an_integer_and_a_text_of_the_same_digits_are_two_ids() {
    let Some(mut server) = started("an_integer_and_a_text_of_the_same_digits_are_two_ids") else {
        return;
    };
    server.call(7, "long_execution", json!({"count": 3_000}));
    server.call("7", "long_execution", json!({"count": FOR_EVER}));
    server.progress_of("7");
    server.cancel("7", "the text");
    let answer = server.next_answer();
    assert_eq!((&answer["id"], text_of(&answer)), (&json!(7), "smoothed 3000 of 3000 times"));
    server.logged("request \"7\" cancelled (the text), ");
    ends_in_silence(server);
}

#[test]
fn an_id_in_flight_is_refused_to_a_second_call() {
    let Some(mut server) = started("an_id_in_flight_is_refused_to_a_second_call") else { return };
    server.call(1, "long_execution", json!({"count": FOR_EVER}));
    server.call(1, "short_execution", json!({"topic": "me too"}));
    let answer = server.next_answer();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32000)), "{answer}");
    server.progress_of(1); // the first call goes on
    server.cancel(1, "");
    server.logged("request 1 cancelled (), ");
    ends_in_silence(server);
}

#[test]
fn malformed_lines_are_answered_and_the_server_goes_on() {
    let Some(mut server) = started("malformed_lines_are_answered_and_the_server_goes_on") else {
        return;
    };
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let huge =
        format!(r#"{{"method":"ping","id":18446744073709551615,"x":"{}"}}"#, "y".repeat(1 << 20));
    let lines: [(&[u8], i64); 12] = [
        (b"{", -32700),
        (b"", -32700),
        (b"not JSON at all", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700),
        (&deep[..100_000], -32700),
        (&deep, -32600),
        (b"42", -32600),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (huge.as_bytes(), -32600),
    ];
    for (line, code) in lines {
        server.send_bytes(line);
        let answer = server.next();
        assert_eq!(answer["error"]["code"], code, "{}: {answer}", String::from_utf8_lossy(line));
    }
    // An id that the server's parser cannot represent is not sent back with other digits.
    for id in ["18446744073709551616", "-9223372036854775809", "1e3"] {
        server.send_bytes(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#).as_bytes());
        let answer = server.next();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(null), &json!(-32600)),
            "{id}"
        );
    }
    // The server answers neither of these.
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": 7}));
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    server.send(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    server.request("still", "ping", json!({}));
    assert_eq!(server.next(), json!({"jsonrpc": "2.0", "id": "still", "result": {}}));
    ends_in_silence(server);
}

#[test]
fn the_end_of_the_input_cancels_what_runs_and_ends_the_server() {
    let Some(mut server) = started("the_end_of_the_input_cancels_what_runs_and_ends_the_server")
    else {
        return;
    };
    server.call(1, "long_execution", json!({"count": FOR_EVER}));
    server.call(2, "process_large_file", json!({"path": "/dev/zero"}));
    server.progress_of(1);
    server.progress_of(2);
    server.end_input();
    let end = "(the session was closed), kept: ";
    let kept = [server.logged(" cancelled "), server.logged(" cancelled ")].concat();
    assert_eq!(kept.matches(end).count(), 2, "{kept}");
    ends_in_silence(server);
}

#[test]
fn a_file_is_read_on_a_worker_whole_or_until_a_cancel() {
    let Some(mut server) = started("a_file_is_read_on_a_worker_whole_or_until_a_cancel") else {
        return;
    };
    let file = support::scratch("stdio_server_file").join("Wikipedia");
    std::fs::write(&file, "Wikipedia").unwrap();
    server.call(1, "process_large_file", json!({"path": file}));
    let (mut told, mut answer) = (Value::Null, server.next());
    while !answer["method"].is_null() {
        (told, answer) = (answer["params"].take(), server.next());
    }
    assert_eq!((&told["progress"], &told["total"]), (&json!(9), &json!(9)));
    assert_eq!(text_of(&answer), format!("Adler-32 {} of 9 bytes", 0x11E6_0398));
    server.call(2, "process_large_file", json!({"path": "/dev/zero"}));
    server.progress_of(2);
    // Meanwhile the UI thread is free.
    server.call("beside", "short_execution", json!({"topic": "me"}));
    assert_eq!(text_of(&server.next_answer()), "in short: me");
    server.cancel(2, "enough zeros");
    server.logged("request 2 cancelled (enough zeros), kept: Adler-32 ");
    server.call(3, "process_large_file", json!({"path": "/no/such/file"}));
    let answer = server.next_answer();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer.to_string().contains("cannot read /no/such/file"), "{answer}");
    ends_in_silence(server);
}

/// Asks until the host's thread is reported in this state.
fn host_is_seen(server: &mut Server, state: &str) {
    let end = Instant::now() + Duration::from_secs(include!("../support/hang_seconds"));
    loop {
        server.call("state", "host_state", json!({}));
        let answer = server.next_answer();
        assert_eq!(answer["id"], "state", "{answer}");
        if text_of(&answer).starts_with(state) {
            return;
        }
        assert!(Instant::now() < end, "not {state:?}: {answer}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_modal_dialog_is_told_from_a_job_that_keeps_the_thread() {
    let test = "a_modal_dialog_is_told_from_a_job_that_keeps_the_thread";
    let Some(mut server) = started(test) else { return };
    host_is_seen(&mut server, "alive: ");
    server.call(1, "open_dialog", json!({"by": "host"}));
    assert_eq!(text_of(&server.next_answer()), "it is open");
    host_is_seen(&mut server, "no tick for ");
    server.call(2, "close_dialog", json!({}));
    assert_eq!(text_of(&server.next_answer()), "closed");
    host_is_seen(&mut server, "alive: ");

    server.call(3, "open_dialog", json!({"by": "job"}));
    host_is_seen(&mut server, "busy: inside job ");
    server.call(4, "close_dialog", json!({}));
    let mut answers = [server.next_answer(), server.next_answer()];
    answers.sort_by_key(|answer| answer["id"].as_i64());
    assert_eq!(answers.each_ref().map(text_of), ["the dialog was closed", "closed"]);
    host_is_seen(&mut server, "alive: ");

    server.call(5, "open_dialog", json!({"by": "host"}));
    assert_eq!(server.next_answer()["id"], 5);
    ends_in_silence(server);
}

#[test]
fn it_speaks_mcp() {
    let Some(mut server) = started("it_speaks_mcp") else { return };
    for (asked, answered) in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
        .map(|version| (version, version))
        .into_iter()
        .chain([("2026-07-28", "2025-11-25"), ("1999-01-01", "2025-11-25")])
    {
        server.request(0, "initialize", json!({"protocolVersion": asked, "capabilities": {}}));
        assert_eq!(server.next()["result"]["protocolVersion"], answered);
    }
    server.request(1, "tools/list", json!({}));
    let tools = server.next()["result"]["tools"].clone();
    let named = |tool: &Value| (tool["name"].clone(), tool["inputSchema"]["required"][0].clone());
    assert_eq!(
        tools.as_array().unwrap().iter().map(named).collect::<Vec<_>>(),
        [
            ("long_execution", Some("count")),
            ("short_execution", Some("topic")),
            ("process_large_file", Some("path")),
            ("open_dialog", Some("by")),
            ("close_dialog", None),
            ("host_state", None),
        ]
        .map(|(name, argument)| (json!(name), json!(argument)))
    );
    server.request(2, "server/discover", json!({}));
    assert_eq!(server.next()["error"]["code"], -32601);
    for params in [
        json!(null),
        json!({"name": "long_execution"}),
        json!({"name": "long_execution", "arguments": {"count": -1}}),
        json!({"name": "long_execution", "arguments": {"count": 1.0}}),
        json!({"name": "short_execution", "arguments": ["topic"]}),
        json!({"name": "no_tool", "arguments": {}}),
        json!({"name": "open_dialog", "arguments": {"by": "nobody"}}),
    ] {
        server.request(3, "tools/call", params);
        let answer = server.next();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    // A client that does not ask for progress gets none.
    let params = json!({"name": "long_execution", "arguments": {"count": 2_000}});
    server.request(4, "tools/call", params);
    assert_eq!(text_of(&server.next()), "smoothed 2000 of 2000 times");
    ends_in_silence(server);
}

/// Lets a client play an agent. Checks the reasons of the cancelled calls whose results the server
/// kept.
fn assert_played(mut client: Command, server: &Path, reasons: &[&str]) {
    let output = support::run(client.arg(server));
    let (said, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("all passed\n"), "{said}{log}");
    let mut found: Vec<&str> = log
        .lines()
        // The client checks these lines itself.
        .filter(|line| !line.ends_with("kept: the dialog was closed"))
        .filter_map(|line| line.split_once(" cancelled (")?.1.split_once("), kept: "))
        .map(|(reason, _)| reason)
        .collect();
    let mut expected = reasons.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{log}");
}

fn python(requirements: &str, name: &str, script: &str) -> Command {
    let environment = venv(name, &requirements.lines().collect::<Vec<_>>());
    let mut command = support::limited(environment.join("bin/python"));
    // -B: Python writes no caches beside the sources.
    command.arg("-B").arg(support::root().join("tests/clients/python").join(script));
    command
}

#[test]
#[ignore = "SDKs from PyPI and npm"]
fn the_python_client_of_version_1_cancels() {
    let Some(server) = program("the_python_client_of_version_1_cancels") else { return };
    let requirements = include_str!("../clients/python/mcp-1.30.0.txt");
    let client = python(requirements, "mcp-1.30.0", "stdio_server_1.py");
    assert_played(client, server, &["aborted", "timed out", "aborted", "aborted"]);
}

#[test]
#[ignore = "SDKs from PyPI and npm"]
fn the_python_client_of_version_2_cancels() {
    let Some(server) = program("the_python_client_of_version_2_cancels") else { return };
    let requirements = include_str!("../clients/python/mcp-2.3.0.txt");
    let client = python(requirements, "mcp-2.3.0", "stdio_server_2.py");
    let aborted = "caller cancelled";
    assert_played(client, server, &[aborted, "timed out after 0.3s", aborted, aborted]);
}

#[test]
#[ignore = "SDKs from PyPI and npm"]
fn the_typescript_client_cancels() {
    let Some(server) = program("the_typescript_client_cancels") else { return };
    if !node_packages::exist() {
        return support::skip("the_typescript_client_cancels", "no nodejs and npm");
    }
    let script = node_packages::client("stdio_server").with_file_name("stdio_server.mjs");
    let mut client = support::limited(Path::new("node"));
    client.arg(script);
    let timed_out = "McpError: MCP error -32001: Request timed out";
    assert_played(client, server, &["aborted", timed_out, "aborted", "aborted"]);
}
