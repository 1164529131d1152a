//! The MCP servers of `examples/mcp_server` and `examples/mcp_tools`, whose tools run in a C++
//! plugin, with official clients. The clients play the scenarios of
//! `tests/clients/python/scenarios.py`, and of its counterpart for the TypeScript SDKs, over each
//! transport and between versions of the SDKs.
//!
//! Each test leaves the messages of both sides in `target/end_to_end`.

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

use mcp_server::{HttpServer, Sdk, Server, limited, stdio_command};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Clone, Copy)]
enum Transport {
    Stdio,
    Http,
}

/// The client that drives the server.
#[derive(Clone, Copy)]
enum Client {
    Python(Sdk),
    /// Version 2 of the SDK with the protocol of 2026-07-28; the other clients use the protocol
    /// with the handshake.
    PythonOf2026,
    TypeScript,
    /// The package that contains only clients.
    TypeScript2,
}

/// The code that answers a cancelled request.
fn promised_answer(server: Server, transport: Transport, client: Client) -> &'static str {
    match (server, transport, client) {
        // This version of the SDK answers on each transport, with a code of its own.
        (Server::Messages(Sdk::One), ..) => "0",
        // In MCP a cancelled request gets no answer.
        (_, Transport::Stdio, _) => "none",
        // The cancel was the end of the stream on which an answer would come.
        (_, Transport::Http, Client::PythonOf2026) => "none",
        // In the protocol of 2025 a stream has to end with an answer.
        (_, Transport::Http, _) => "-32800",
    }
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("end_to_end");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn client_command(name: &str, client: Client) -> Command {
    let script = support::root().join("tests/clients/python/client.py");
    match client {
        Client::TypeScript | Client::TypeScript2 => {
            let mut command = limited(Path::new("node"));
            command.arg(node_packages::client(name));
            if matches!(client, Client::TypeScript2) {
                command.args(["--package", "client"]);
            }
            command
        }
        Client::Python(sdk) => {
            let mut command = limited(&sdk.python());
            command.arg("-B").arg(script);
            command
        }
        Client::PythonOf2026 => {
            let mut command = limited(&Sdk::Two.python());
            command.arg("-B").arg(script).args(["--era", "2026-07-28"]);
            command
        }
    }
}

fn play(name: &str, server: impl Into<Server>, transport: Transport, client: Client) {
    let server = server.into();
    let is_script = matches!(client, Client::TypeScript | Client::TypeScript2);
    if is_script && !node_packages::exist() {
        return support::skip(name, "no nodejs and npm");
    }
    let transcript = folder().join(format!("{name}.jsonl"));
    let mut command = client_command(name, client);
    command.arg("--transcript").arg(&transcript);
    command.arg("--folder").arg(support::scratch(&format!("end_to_end-{name}")));
    command.args(["--answer", promised_answer(server, transport, client)]);
    let running = match transport {
        Transport::Stdio => {
            command.arg("--stdio").args(stdio_command(server));
            None
        }
        Transport::Http => {
            let log = folder().join(format!("{name}.server.log"));
            let running = HttpServer::start(server, &log);
            if matches!(client, Client::PythonOf2026) {
                command.args(["--arrives-as", "task"]);
            } else if !is_script && !matches!(server, Server::Messages(_)) {
                command.args(["--ends-as", "task"]);
            }
            command.args(["--http", &running.url]);
            Some(running)
        }
    };
    let printed = support::printed(&mut command);
    drop(running);
    std::fs::write(folder().join(format!("{name}.log")), &printed).unwrap();
    support::show(&format!("TRANSCRIPT {}", transcript.display()));
    assert!(printed.ends_with("all passed\n"), "{printed}");
    assert_is_a_transcript(&transcript, promised_answer(server, transport, client));
}

/// The server's description of itself: in its handshake, or in each result since 2026-07-28.
fn server_info(message: &Value) -> Option<&Value> {
    let result = message.get("result")?;
    result.get("serverInfo").or_else(|| {
        result.get("_meta").and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"))
    })
}

/// Checks that a file has the messages of both directions in order of time, with the calls, the
/// cancels and their answers.
fn assert_is_a_transcript(path: &Path, answer: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let servers: Vec<&Value> = lines.iter().filter_map(|line| server_info(&line["msg"])).collect();
    assert!(!servers.is_empty(), "{text}");
    assert!(servers.iter().all(|server| server["version"] == "0.2.0"), "{servers:?}");
    assert!(lines.is_sorted_by_key(|line| (1e4 * line["seconds"].as_f64().unwrap()) as u64));
    let count = |key: &str, value: &str| lines.iter().filter(|line| line[key] == value).count();
    assert!(count("dir", "c2s") > 20 && count("dir", "s2c") > 20, "{text}");
    let sent = |method: &str| lines.iter().filter(|line| line["msg"]["method"] == method).count();
    assert!(sent("notifications/progress") > 4, "{text}");
    assert!(sent("notifications/cancelled") > 4, "{text}");
    let codes: Vec<String> = lines
        .iter()
        .filter_map(|line| line["msg"]["error"]["code"].as_i64().map(|code| code.to_string()))
        .collect();
    assert_eq!(codes.len() > 4, answer != "none", "{codes:?}");
    assert!(codes.iter().all(|code| code == answer), "{codes:?}");
}

/// Ends a server as clients do: its input is closed while a call is running.
fn leave_a_server(sdk: Sdk) {
    let command = stdio_command(sdk);
    let mut server = limited(&command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    for message in [
        concat!(
            r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"lines","version":"1"}}}"#
        ),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"long_execution","#,
            r#""arguments":{"count":1000000000},"_meta":{"progressToken":1}}}"#
        ),
    ] {
        writeln!(input, "{message}").unwrap();
    }
    let mut output = BufReader::new(server.stdout.take().unwrap()).lines();
    let progress = output.find(|line| line.as_ref().unwrap().contains("notifications/progress"));
    assert!(progress.is_some(), "the call should be under way");
    drop(input);
    // A native loop that did not stop would keep the process alive, and `timeout` would end it with
    // 124.
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(!output.any(|line| line.unwrap().contains("\"result\"")), "nothing was finished");
}

#[test]
#[ignore = "SDKs from PyPI and npm"]
fn a_client_that_leaves_ends_server_1() {
    leave_a_server(Sdk::One);
}

#[test]
#[ignore = "SDKs from PyPI and npm"]
fn a_client_that_leaves_ends_server_2() {
    leave_a_server(Sdk::Two);
}

/// The output of the demo of `examples/mcp_tools`, without numbers.
const SCENES: &str = "\
one call: stopped, with N of N passes done
too late: all N passes done
three calls, the first one: all N passes done
three calls, the last one: all N passes done
three calls, the middle one: stopped, with N of N passes done
the plugin has given everything back
";

fn show_the_demo(name: &str, server: Server, transport: Transport) {
    let mut command = limited(&Sdk::Fast.python());
    command.arg("-B").arg(support::root().join("examples/mcp_tools/demo.py"));
    let running = match transport {
        Transport::Stdio => {
            command.arg("--").args(stdio_command(server));
            None
        }
        Transport::Http => {
            let running = HttpServer::start(server, &folder().join(format!("{name}.server.log")));
            command.arg(&running.url);
            Some(running)
        }
    };
    let printed = support::printed(&mut command);
    drop(running);
    let words = printed.split_inclusive([' ', '\n']).map(|word| {
        let is_number = word.trim_end().chars().all(|letter| letter.is_ascii_digit());
        if is_number { "N " } else { word }
    });
    assert_eq!(words.collect::<String>(), SCENES, "{printed}");
}

#[test]
#[ignore = "SDKs from PyPI"]
fn the_demo_stops_tools_of_fastmcp() {
    show_the_demo("demo_fastmcp", Server::FastMcp, Transport::Stdio);
}

#[test]
#[ignore = "SDKs from PyPI"]
fn the_demo_stops_tools_of_mcp_server_over_http() {
    show_the_demo("demo_mcp_server", Server::Sdk, Transport::Http);
}

/// Runs a script that calls the tools in its own process, because only that process sees the jobs
/// of calls.
fn call_in_process(sdk: Sdk, script: &str, argument: &str) {
    let mut command = limited(&sdk.python());
    command.arg("-B").arg(support::root().join("tests/clients/python").join(script)).arg(argument);
    command.env("PYTHONPATH", support::root().join("python"));
    let library = support::staged_library(&support::scratch(&format!("{script}-{argument}")));
    command.env("DCC_CANCEL_LIBRARY", library);
    assert_eq!(support::printed(&mut command), "all passed\n");
}

#[test]
#[ignore = "SDKs from PyPI"]
fn tools_of_fastmcp_in_process() {
    call_in_process(Sdk::Fast, "tools_in_process.py", "fastmcp");
}

#[test]
#[ignore = "SDKs from PyPI"]
fn tools_of_mcp_server_in_process() {
    call_in_process(Sdk::Fast, "tools_in_process.py", "mcp");
}

#[test]
#[ignore = "FastMCP from PyPI"]
fn tasks_of_fastmcp_in_process() {
    call_in_process(Sdk::FastTasks, "tasks_in_process.py", "fastmcp");
}

macro_rules! runs {
    ($($name:ident: $server:expr, $transport:ident, $client:expr;)*) => {
        $(
            #[test]
            #[ignore = "SDKs from PyPI and npm"]
            fn $name() {
                play(stringify!($name), $server, Transport::$transport, $client);
            }
        )*
    };
}

runs! {
    server_1_stdio_python_1: Sdk::One, Stdio, Client::Python(Sdk::One);
    server_1_stdio_python_2: Sdk::One, Stdio, Client::Python(Sdk::Two);
    server_1_stdio_typescript: Sdk::One, Stdio, Client::TypeScript;
    server_1_http_python_1: Sdk::One, Http, Client::Python(Sdk::One);
    server_1_http_python_2: Sdk::One, Http, Client::Python(Sdk::Two);
    server_1_http_typescript: Sdk::One, Http, Client::TypeScript;
    server_2_stdio_python_1: Sdk::Two, Stdio, Client::Python(Sdk::One);
    server_2_stdio_python_2: Sdk::Two, Stdio, Client::Python(Sdk::Two);
    server_2_stdio_python_2_of_2026: Sdk::Two, Stdio, Client::PythonOf2026;
    server_2_stdio_typescript: Sdk::Two, Stdio, Client::TypeScript;
    server_2_http_python_1: Sdk::Two, Http, Client::Python(Sdk::One);
    server_2_http_python_2: Sdk::Two, Http, Client::Python(Sdk::Two);
    server_2_http_python_2_of_2026: Sdk::Two, Http, Client::PythonOf2026;
    server_2_http_typescript: Sdk::Two, Http, Client::TypeScript;
    server_2_http_typescript_2: Sdk::Two, Http, Client::TypeScript2;
    fastmcp_stdio_python_2: Server::FastMcp, Stdio, Client::Python(Sdk::Two);
    fastmcp_stdio_python_2_of_2026: Server::FastMcp, Stdio, Client::PythonOf2026;
    fastmcp_stdio_typescript_2: Server::FastMcp, Stdio, Client::TypeScript2;
    fastmcp_http_python_2: Server::FastMcp, Http, Client::Python(Sdk::Two);
    fastmcp_http_python_2_of_2026: Server::FastMcp, Http, Client::PythonOf2026;
    fastmcp_http_typescript: Server::FastMcp, Http, Client::TypeScript;
    mcp_server_stdio_python_1: Server::Sdk, Stdio, Client::Python(Sdk::One);
    mcp_server_stdio_python_2: Server::Sdk, Stdio, Client::Python(Sdk::Two);
    mcp_server_stdio_typescript: Server::Sdk, Stdio, Client::TypeScript;
    mcp_server_http_python_2: Server::Sdk, Http, Client::Python(Sdk::Two);
    mcp_server_http_python_2_of_2026: Server::Sdk, Http, Client::PythonOf2026;
    mcp_server_http_typescript_2: Server::Sdk, Http, Client::TypeScript2;
}
