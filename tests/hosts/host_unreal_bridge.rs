//! The bridge of the plugin in `examples/hosts/unreal`. This process drives it, as adapters of
//! agents do, and as strangers do who try to get in.

#![cfg(target_os = "linux")]

#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/json_rpc_peer.rs"]
mod json_rpc_peer;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/unreal.rs"]
mod unreal;
#[path = "../support/unreal_bridge.rs"]
mod unreal_bridge;

use json_rpc_peer::JsonRpcPeer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;
use unreal::Variant;
use unreal_bridge::{Editor, LONG};

/// More passes than any machine makes during a test.
const FOR_EVER: u32 = 1_000_000_000;

const STRANGER: i64 = -32001;
const BOUND: i64 = -32002;

fn editor(test: &str, settings: &[&str]) -> Option<Editor> {
    let bridge = ["bBridge=True", "SheetSide=256"];
    Editor::start(test, Variant::Shipped, &[&bridge, settings].concat())
}

fn error_of(answer: &Value) -> (i64, &str) {
    let error = &answer["error"];
    (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap())
}

#[test]
fn runs_are_answered_and_tell_their_progress() {
    let Some(editor) = editor("unreal_bridge_runs", &[]) else { return };
    let mut client = editor.client();
    let mut rough = f64::INFINITY;
    for (revision, mode) in [(1, "worker"), (2, "sliced"), (3, "slow_task")] {
        client.run(mode, mode, 40);
        let mut told = Vec::new();
        let answer = loop {
            let message = client.next();
            if message["method"].is_null() {
                break message;
            }
            let params = &message["params"];
            assert_eq!((&params["progressToken"], &params["total"]), (&json!(mode), &json!(40)));
            told.push(params["progress"].as_f64().unwrap());
        };
        assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
        assert_eq!(told.last(), Some(&40.0), "{told:?}");
        let result = &answer["result"];
        assert_eq!((&result["passes"], &result["revision"]), (&json!(40), &json!(revision)));
        let roughness = result["roughness"].as_f64().unwrap();
        assert!(0.0 < roughness && roughness < rough, "{answer}");
        rough = roughness;
        let state = client.asked("?", "progress", json!({"requestId": mode}));
        assert_eq!(state["result"]["state"], "completed", "{state}");
    }
    editor.quit();
}

/// Cancels a job that blocks the game thread. Returns the time until the answer, and the log's text
/// about the job's end.
fn cancelled_in_a_busy_game_thread(variant: Variant, passes: u32) -> Option<(f64, String)> {
    let settings = ["bBridge=True", "SheetSide=256"];
    let mut editor = Editor::start("unreal_bridge_busy", variant, &settings)?;
    let mut client = editor.client();
    client.run(7, "slow_task", passes);
    while client.progress_of(7) == 0.0 {}
    // Neither request needs the game thread, which is busy with the job.
    let status = client.asked("status", "status", json!({}));
    let result = &status["result"];
    assert_eq!(result["gameThread"]["inJob"], true, "{status}");
    assert!(result["gameThread"]["inJobMilliseconds"].as_f64().unwrap() > 0.0, "{status}");
    assert_eq!(
        (&result["runs"][0]["requestId"], &result["runs"][0]["state"]),
        (&json!(7), &json!("running"))
    );
    let progress = client.asked("progress", "progress", json!({"requestId": 7}));
    assert_eq!(progress["result"]["total"], passes, "{progress}");
    assert!(progress["result"]["progress"].as_f64().unwrap() > 0.0, "{progress}");

    let begin = Instant::now();
    client.cancel(7, "the user pressed stop");
    let answer = client.next_answer();
    let time = begin.elapsed();
    assert_eq!((&answer["id"], error_of(&answer).0), (&json!(7), -32800), "{answer}");
    let line = editor.logged(" passes (", 1).remove(0);
    editor.quit();
    Some((time.as_secs_f64() * 1e3, line))
}

#[test]
fn a_cancel_reaches_a_job_that_keeps_the_game_thread() {
    let Some((time, line)) = cancelled_in_a_busy_game_thread(Variant::Shipped, FOR_EVER) else {
        return;
    };
    assert!(
        line.contains(" cancelled after ") && line.contains("(the user pressed stop)"),
        "{line}"
    );
    let unpolled = cancelled_in_a_busy_game_thread(Variant::WithoutPoll, 1_000);
    let (time_without, line) = unpolled.unwrap();
    assert!(line.contains("completed after 1000 of 1000"), "{line}");
    support::show(&format!(
        "FIGURE unreal_bridge cancel to answer: {time:.1} ms; without the poll: {time_without:.0} ms"
    ));
}

#[test]
fn ids_keep_their_type_and_the_middle_one_is_cancelled() {
    let Some(mut editor) = editor("unreal_bridge_ids", &["MaxRuns=3"]) else { return };
    let mut client = editor.client();
    client.run(7, "sliced", FOR_EVER);
    client.run("7", "worker", FOR_EVER);
    client.run("last", "sliced", FOR_EVER);
    client.progress_of("7");
    // A fourth run is refused, and so is a second one with the same id. The running ones are not
    // disturbed.
    let refused = client.asked("fourth", "run", json!({"passes": 1}));
    assert_eq!(error_of(&refused).0, -32000, "{refused}");
    client.run(7, "worker", 1);
    let refused = client.next_answer();
    assert_eq!((&refused["id"], error_of(&refused).0), (&json!(7), -32000), "{refused}");

    let answer = {
        client.request("c", "cancel", json!({"requestId": "7", "reason": "the text"}));
        // The answers to the cancel and to the run come in either order.
        let mut answers = [client.next_answer(), client.next_answer()];
        answers.sort_by_key(|answer| answer["id"] != "c");
        assert_eq!(answers[0]["result"]["cancelled"], true, "{answers:?}");
        answers[1].clone()
    };
    assert_eq!((&answer["id"], error_of(&answer).0), (&json!("7"), -32800), "{answer}");
    editor.logged("(the text); mesh revision 0", 1);
    // A second cancel finds nothing to cancel.
    let again = client.asked("c", "cancel", json!({"requestId": "7"}));
    assert_eq!(again["result"]["cancelled"], false, "{again}");
    for (id, reason) in [(json!(7), "number"), (json!("last"), "text")] {
        client.cancel(id.clone(), reason);
        assert_eq!(client.next_answer()["id"], id);
        editor.logged(&format!("({reason}); mesh revision 0"), 1);
    }
    editor.quit();
}

#[test]
fn a_client_is_told_that_esc_was_pressed() {
    let Some(mut editor) = editor("unreal_bridge_esc", &[]) else { return };
    let mut client = editor.client();
    editor.command("esc");
    client.run(1, "slow_task", FOR_EVER);
    let answer = client.next_answer();
    assert_eq!(error_of(&answer), (-32800, "cancelled: cancelled in the editor"), "{answer}");
    editor.quit();
}

#[test]
fn a_run_that_waits_for_a_thread_is_cancelled_at_once() {
    let Some(editor) = editor("unreal_bridge_waiting", &[]) else { return };
    let mut client = editor.client();
    // More runs than there are threads.
    for id in 0..12 {
        client.run(id, "worker", FOR_EVER);
    }
    while client.progress_of(0) == 0.0 {}
    client.cancel(11, "not needed any more");
    let answer = client.next_answer();
    assert_eq!((&answer["id"], error_of(&answer).0), (&json!(11), -32800), "{answer}");
    let state = client.asked("?", "progress", json!({"requestId": 0}));
    assert_eq!(state["result"]["state"], "running", "{state}");
    editor.quit();
}

#[test]
fn a_client_that_goes_away_cancels_what_it_asked_for_and_nothing_else() {
    let Some(mut editor) = editor("unreal_bridge_gone", &[]) else { return };
    let mut staying = editor.client();
    staying.run(1, "sliced", FOR_EVER);
    let mut going = editor.client();
    for (id, mode) in [(1, "worker"), (2, "sliced"), (3, "worker")] {
        going.run(id, mode, FOR_EVER);
    }
    going.progress_of(2);
    going.asked("?", "status", json!({})); // its answer shows that all were read
    drop(going);
    editor.logged(" passes (the session was closed)", 3);
    staying.cancel(1, "enough");
    assert_eq!(staying.next_answer()["id"], 1);
    editor.logged(" passes (", 4);
    editor.quit();
}

#[test]
fn unloading_ends_the_connections_and_a_new_bridge_has_a_new_secret() {
    let Some(mut editor) = editor("unreal_bridge_unload", &[]) else { return };
    let (_, first_secret) = editor.door();
    let mut client = editor.client();
    for (id, mode) in [(1, "worker"), (2, "sliced"), (3, "worker")] {
        client.run(id, mode, FOR_EVER);
    }
    client.asked("?", "status", json!({})); // its answer shows that all were read
    editor.command("unload"); // this also loads it again
    while client.next_or_end().is_some() {}
    assert_eq!(editor.logged(" passes (", 3).len(), 3);
    let mut stranger = editor.stranger();
    stranger.hello(&first_secret);
    stranger.assert_refused(STRANGER, "secret");
    let mut client = editor.client();
    client.run(1, "worker", 2);
    assert_eq!(client.next_answer()["result"]["passes"], 2);
    editor.quit();
}

#[test]
fn lines_that_make_no_sense_are_answered_and_lose_nothing() {
    let Some(editor) = editor("unreal_bridge_lines", &[]) else { return };
    let mut client = editor.client();
    client.run("long", "worker", FOR_EVER);
    let lines: [(&[u8], i64); 16] = [
        (b"", -32700),
        (b"{", -32700),
        (b"not JSON at all", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700),
        (b"{\"id\":1,\0\"method\":\"status\"}", -32700),
        (b"42", -32700),
        (br#"{"method":"notifications/cancelled","params":7}"#, -32700),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"status"}]"#, -32600),
        (br#"{"jsonrpc":"2.0","method":"status"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1.5,"method":"status"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":9007199254740993,"method":"status"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":"jump"}"#, -32601),
        (br#"{"jsonrpc":"2.0","id":1,"method":"run","params":{"passes":0}}"#, -32602),
        (br#"{"jsonrpc":"2.0","id":1,"method":"run","params":{"passes":1,"mode":"x"}}"#, -32602),
        (br#"{"jsonrpc":"2.0","id":1,"method":"progress","params":{"requestId":8}}"#, -32602),
    ];
    for (line, code) in lines {
        client.send_bytes(line);
        client.send_bytes(b"\r\n");
        let answer = client.next_answer();
        assert_eq!(error_of(&answer).0, code, "{}: {answer}", String::from_utf8_lossy(line));
    }
    // Many lines at the same time, one of them in two parts, and letters beyond ASCII.
    let status = |id: &str| format!("{}\n", json!({"id": id, "method": "status"}));
    let burst: String = (0..500).map(|number| status(&format!("n{number}"))).collect();
    let (first, rest) = burst.split_at(burst.len() - 7);
    client.send_bytes(first.as_bytes());
    for number in 0..499 {
        assert_eq!(client.next_answer()["id"], format!("n{number}"));
    }
    client.send_bytes(rest.as_bytes());
    assert_eq!(client.next_answer()["id"], "n499");
    assert_eq!(client.asked("größer 𝄞", "status", json!({}))["id"], "größer 𝄞");
    // The run that was requested before goes on.
    let state = client.asked("?", "progress", json!({"requestId": "long"}));
    assert_eq!(state["result"]["state"], "running", "{state}");
    editor.quit();
}

#[test]
fn strangers_are_turned_away() {
    let Some(editor) = editor("unreal_bridge_strangers", &["LineSeconds=1"]) else { return };
    let (port, secret) = editor.door();
    let file = &editor.secret_files()[0];
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(secret.len(), 64);
    // No other machine can connect: the port is open on 127.0.0.1 only.
    let listening: Vec<String> = std::fs::read_to_string("/proc/net/tcp")
        .unwrap()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words[3] == "0A" && words[1].ends_with(&format!(":{port:04X}")))
        .map(|words| words[1].to_owned())
        .collect();
    assert_eq!(listening, [format!("0100007F:{port:04X}")]);

    let almost = format!("{}x", &secret[..63]);
    for wrong in ["", "x", &almost, &format!("{secret}0"), &secret[..63]] {
        let mut stranger = editor.stranger();
        stranger.hello(wrong);
        stranger.assert_refused(STRANGER, "\"hello\"");
    }
    // A page in a browser, a client that asks without a hello, one without an id, and one that is
    // silent.
    for line in ["POST / HTTP/1.1\r\n\r\n", "{\"id\":1,\"method\":\"status\"}\n", "\n"] {
        let mut stranger = editor.stranger();
        stranger.send_bytes(line.as_bytes());
        stranger.assert_refused(STRANGER, "\"hello\"");
    }
    let mut stranger = editor.stranger();
    stranger.send(&json!({"method": "hello", "params": {"secret": secret}}));
    stranger.assert_refused(STRANGER, "\"hello\"");
    editor.stranger().assert_refused(BOUND, "no \"hello\" came in time");
    editor.client();
    editor.quit();
}

#[test]
fn clients_keep_to_the_bounds_or_are_let_go() {
    let bounds = ["MaxClients=2", "MaxLineBytes=1000", "LineSeconds=1", "IdleSeconds=1"];
    let Some(mut editor) = editor("unreal_bridge_bounds", &bounds) else { return };
    // Too many clients, and a place that becomes free.
    let mut first = editor.client();
    first.run(1, "sliced", FOR_EVER);
    let second = editor.client();
    editor.stranger().assert_refused(BOUND, "2 clients are connected");
    drop(second);
    let until = Instant::now() + LONG;
    let mut second = loop {
        let mut next = editor.stranger();
        next.hello(&editor.door().1);
        match next.next() {
            answer if answer["result"].is_object() => break next,
            _ => assert!(Instant::now() < until),
        }
    };
    // A line of the largest length, and one that is a byte longer. The client's runs are cancelled.
    let longest = json!({"id": 1, "method": "jump"}).to_string();
    second.send_bytes(format!("{longest:>1000}\n").as_bytes());
    assert_eq!(error_of(&second.next()).0, -32601);
    second.run(2, "worker", FOR_EVER);
    second.progress_of(2);
    second.send_bytes(&vec![b' '; 1001]);
    second.assert_refused(BOUND, "up to 1000 bytes");
    editor.logged(" passes (the session was closed)", 1);
    // A client that sends half a line and then nothing.
    let mut half = editor.client();
    half.send_bytes(b"{\"id\":1,");
    half.assert_refused(BOUND, "the end of a line did not come in time");
    editor.client().assert_refused(BOUND, "nothing came for too long");
    // Meanwhile the first client was silent as well, but it has a run.
    first.cancel(1, "at last");
    assert_eq!(first.next_answer()["id"], 1);
    first.assert_refused(BOUND, "nothing came for too long");
    editor.quit();
}

#[test]
fn a_client_that_does_not_read_is_given_up_and_delays_nobody() {
    let Some(mut editor) = editor("unreal_bridge_deaf", &["MaxOutputBytes=65536"]) else { return };
    let mut deaf = editor.client();
    deaf.run("run", "sliced", FOR_EVER);
    let mut other = editor.client();
    // Each answer repeats the method, so the answers fill all buffers of the system.
    let line = format!("{}\n", json!({"id": 1, "method": "x".repeat(30_000)}));
    deaf.output.set_write_timeout(Some(LONG)).unwrap();
    let until = Instant::now() + LONG;
    while deaf.output.write_all(line.as_bytes()).is_ok() {
        assert!(Instant::now() < until, "it is still served");
        assert!(other.asked("ping", "status", json!({}))["result"].is_object());
    }
    editor.logged(" passes (the session was closed)", 1);
    editor.quit();
}

#[test]
fn there_is_no_bridge_unless_it_is_asked_for() {
    let Some(mut editor) = Editor::start("unreal_bridge_off", Variant::Shipped, &[]) else {
        return;
    };
    assert!(editor.secret_files().is_empty());
    assert!(editor.command("log").iter().all(|line| !line.contains("bridge")));
    editor.quit();
}

#[test]
fn every_answer_comes_once_when_cancels_race_with_ends() {
    let Some(mut editor) = editor("unreal_bridge_race", &["MaxRuns=64"]) else { return };
    let mut client = editor.client();
    let mut answers = BTreeMap::new();
    let rounds = 12;
    for round in 0..rounds {
        for (number, mode) in ["worker", "sliced", "worker"].iter().enumerate() {
            let id = format!("{round}.{number}");
            client.request(id.clone(), "run", json!({"mode": mode, "passes": 1 + round}));
            client.cancel(id, "at once or too late");
        }
        for _ in 0..3 {
            let answer = client.next_answer();
            let is_answer = answer["result"].is_object() || error_of(&answer).0 == -32800;
            assert!(is_answer, "{answer}");
            *answers.entry(answer["id"].to_string()).or_insert(0) += 1;
        }
    }
    assert_eq!(answers.len(), 3 * rounds);
    assert!(answers.values().all(|count| *count == 1), "{answers:?}");
    editor.logged(" passes (", 3 * rounds);
    editor.quit();
}
