//! The demo does what it says, with its own mesh, with small meshes and with broken ones. The
//! demo's own checks can fail.
//!
//! `DCC_UPDATE_PICTURE=1 cargo test --test demo` draws the meshes for docs/demo.md again, by Pillow
//! from PyPI.

#[path = "../../examples/demo/build_cpp.rs"]
mod build_cpp;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/demo_timeline.rs"]
mod timeline;

use build_cpp::Built;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static DEMO: LazyLock<Built> = LazyLock::new(|| build_cpp::build(&support::scratch("demo")));

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn written(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = support::scratch(&format!("demo-{name}")).join(format!("{name}.obj"));
    std::fs::write(&path, content).unwrap();
    path
}

/// Runs the demo, checks that all three scenes went as expected, and returns what it printed.
fn assert_plays(mesh: &Path, results: &Path) -> String {
    let output = DEMO.host(mesh, results).output().expect("the host starts");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    assert!(!told.contains("WRONG"), "{told}");
    for line in [
        "  scene 1  one function   cancelled at ",
        "  scene 2  a step         completed, \"Already ended\"",
        "  scene 3  three steps    completed, cancelled, completed (",
        "  report   two functions  a loop without polls, in bake.cpp",
        "    after        bake.cpp:",
        "ok     the report names the file: bake.cpp",
        "  cancels      2 obeyed; polls saw ",
        "  ok     sample job: cancelled",
        "  ok     all workers stopped in the midst of it",
        "  ok     and was counted: a poll on a thread that has no job",
        "  ok     the commit won: the file has the smoothed mesh",
        "  ok     the commit lost, and threw dcc::cancelled_error: the file is as it was",
        "  ok     the UI drew while the coroutine worked",
        "  ok     and the coroutine got on in each tick",
        "  ok     it stopped in the next tick",
        "  ok     and its cancelled_error rolled the mesh back",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let path = results.join("timeline.json");
    assert!(told.contains(&format!("  ok     written to {}\n", path.display())), "{told}");
    timeline::assert_tells_the_same(&path, &told);
    told
}

/// Draws the mesh before, after a cancel, and as it would be without the cancel.
fn draw_meshes(scan: &Path, results: &Path, told: &str) {
    let line = told.lines().find_map(|line| line.split_once("  one function   ")).unwrap().1;
    let (cancelled_at, _) = line.split_once(',').unwrap();
    let python = python_venv::venv("pillow-13", &["pillow==13.0.0"]).join("bin/python");
    support::run(
        Command::new(python)
            .arg(support::root().join("tests/examples/draw_meshes.py"))
            .arg(support::root().join("examples/demo/scan.png"))
            .arg(scan)
            .arg("before|a scan with noise")
            .arg(results.join("partial.obj"))
            .arg(format!("{cancelled_at}|the plugin kept what was done"))
            .arg(results.join("smoothed.obj"))
            .arg("completed|the same job without a cancel"),
    );
}

/// Checks that the demo refuses the file before its first scene, in one line with these words.
fn assert_refuses(mesh: &Path, words: &str) {
    let output = DEMO.host(mesh, Path::new("nowhere")).output().expect("the host starts");
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}{}", text(&output.stdout));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(complaint, format!("demo: {}{words}\n", mesh.display()));
}

#[test]
fn its_own_mesh_has_thirty_thousand_triangles_and_plays() {
    let scan = build_cpp::scan();
    let triangles = std::fs::read_to_string(&scan)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("f "))
        .count();
    assert!(triangles >= 30_000, "{triangles}");
    let results = support::scratch("demo-scan");
    let told = assert_plays(&scan, &results);
    assert!(told.contains(": 16,200 vertices, 32,400 triangles\n"), "{told}");
    if std::env::var_os("DCC_UPDATE_PICTURE").is_some() {
        draw_meshes(&scan, &results, &told);
    }
}

#[test]
fn a_cube_of_twelve_triangles_plays_and_so_does_what_it_wrote() {
    // Quads by negative indices, every form of a corner, CRLF, comments, a continued line, colours.
    let cube = "\u{feff}# a cube\r\n\r\nmtllib none.mtl\r\no cube\r\n\
        v -1 -1 -1 0.5 0.5 0.5\r\nv 1 -1 -1\r\nv 1 1 -1 # corner\r\nv -1 1 -1\r\n\
        v -1 -1 1 1.0\r\nv +1 -1e0 1\r\n\tv 1  1 \\\r\n  1\r\nv -1. 1 1\r\n\
        vt 0 0\r\nvn 0 0 1\r\ng sides\r\nusemtl none\r\ns off\r\n\
        f 4 3 2 1\r\nf 5/1 6/1 7/1 8/1\r\nf 1//1 2//1 6//1 5//1\r\n\
        f 2/1/1 3/1/1 7/1/1 6/1/1\r\nf -6 -5 -1 -2\r\nf 8/-1/-1 4/-1/-1 1/-1/-1 5/-1/-1\r\nl 1 2";
    let results = support::scratch("demo-cube-results");
    let told = assert_plays(&written("cube", cube), &results);
    assert!(told.contains(": 8 vertices, 12 triangles\n"), "{told}");
    assert_eq!(told.matches("read again: 8 vertices, 12 triangles\n").count(), 2, "{told}");
    let partial = assert_plays(&results.join("partial.obj"), &support::scratch("demo-again"));
    assert!(partial.contains(": 8 vertices, 12 triangles\n"), "{partial}");
}

#[test]
fn one_triangle_with_faces_before_vertices_plays() {
    let mesh = written("forward", "f 1 2 3\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 7 7 7\n");
    assert_plays(&mesh, &support::scratch("demo-forward-results"));
}

#[test]
fn a_plugin_that_forgets_to_poll_is_found_out() {
    let folder = support::scratch("demo-forgetful");
    let demo = DEMO.with_plugin(&folder, &["-DDEMO_FORGET_TO_POLL"]);
    let output = demo.host(&build_cpp::scan(), &folder).output().unwrap();
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}{}", text(&output.stderr));
    for line in [
        "WRONG  scan job: completed, expected cancelled",
        "WRONG  a poll saw it: ",
        "WRONG  stopped with 100 % of the work done",
        "WRONG  0 polls: one before each vertex",
        // Between two slices a job can be stopped, even if its plugin forgot to poll.
        "ok     middle job: cancelled",
        "checks went WRONG.",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = support::scratch("demo-no-file");
    assert_refuses(&folder.join("missing.obj"), ": No such file or directory");
    assert_refuses(&folder, ": is a folder, not an OBJ file");
    assert_refuses(Path::new("/dev/zero"), ": is a device, not an OBJ file");
    assert_refuses(&folder.join("missing.obj/x"), ": No such file or directory");
    assert_refuses(Path::new(""), ": No such file or directory");
}

#[test]
fn broken_files_are_refused_with_the_line_and_what_is_wrong() {
    let three = "v 0 0 0\nv 1 0 0\nv 0 1 0\n";
    let after_three = |rest: &str| format!("{three}{rest}\n").into_bytes();
    let no_obj = ": no vertices (lines that start with v); is this an OBJ file?";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], ": the file is empty"),
        ("blank", b"\n# nothing\n\r\n".to_vec(), ": nothing but comments and empty lines"),
        ("prose", b"Dear reader,\nthis is a letter.\n".to_vec(), no_obj),
        ("no-vertices", b"f 1 2 3\n".to_vec(), no_obj),
        (
            "no-faces",
            three.into(),
            ": no faces (lines that start with f), only 3 vertices; the demo needs a surface",
        ),
        ("index", after_three("f 1 2 4"), ":4: a face uses vertex 4, but the file has 3"),
        (
            "index-zero",
            after_three("f 0 1 2"),
            ":4: a face uses vertex 0, but there are 3, counted from 1",
        ),
        (
            "index-back",
            after_three("f -1 -2 -4"),
            ":4: a face uses vertex -4, but there are 3 before it",
        ),
        (
            "index-huge",
            after_three("f 1 2 99999999999999999999"),
            ":4: a face uses vertex 9223372036854775807, but there are 3 before it",
        ),
        (
            "index-hugely-back",
            after_three("f 1 2 -99999999999999999999"),
            ":4: a face uses vertex -9223372036854775808, but there are 3 before it",
        ),
        ("corner", after_three("f 1 2 x"), ":4: \"x\" is not a corner of a face"),
        ("corner-half", after_three("f 1 2 3/y"), ":4: \"3/y\" is not a corner of a face"),
        ("corner-float", after_three("f 1 2 3.5"), ":4: \"3.5\" is not a corner of a face"),
        ("corner-slash", after_three("f 1 2 /3"), ":4: \"/3\" is not a corner of a face"),
        ("corners", after_three("\n\nf 1 2"), ":6: a face needs three corners, this one has 2"),
        ("word", b"v 0 0 zero\n".to_vec(), ":1: \"zero\" is not a number"),
        ("glued", b"v 0 0 1.0.0\n".to_vec(), ":1: \"1.0.0\" is not a number"),
        ("short", b"v 0 0\n".to_vec(), ":1: a vertex needs three numbers, this one has 2"),
        ("nan", b"v 0 0 0\nv 0 nan 0\n".to_vec(), ":2: \"nan\" is not a finite number"),
        ("infinite", b"v 0 0 -inf\n".to_vec(), ":1: \"-inf\" is not a finite number"),
        ("enormous", b"v 1e999 0 0\n".to_vec(), ":1: \"1e999\" is not a finite number"),
        (
            "long-word",
            format!("v 0 0 {}\n", "x".repeat(5000)).into_bytes(),
            ":1: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" is not a number",
        ),
        (
            "binary",
            b"\x7fELF\x02\x01\x01\0\0\xff\xfe".to_vec(),
            ":1: byte 0x02: this is no text, so no OBJ file",
        ),
        (
            "binary-later",
            b"v 0 0 0\nv 1 \0 0\n".to_vec(),
            ":2: byte 0x00: this is no text, so no OBJ file",
        ),
        (
            "points",
            b"v 2 2 2\nv 2 2 2\nv 2 2 2\nf 1 2 3\nf 1 1 1\n".to_vec(),
            ": all faces are mere points, there is nothing to smooth",
        ),
    ];
    for (name, content, words) in cases {
        assert_refuses(&written(name, content), words);
    }
}

#[test]
fn the_one_command_passes_its_argument_and_the_exit_code_through() {
    let program = std::env::current_exe().unwrap();
    // <target>/<profile>/deps/<this program>
    let target = program.ancestors().nth(3).unwrap();
    let demo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(support::root()).args(["run", "--quiet", "--example", "demo"]);
        cargo.args((!cfg!(debug_assertions)).then_some("--release"));
        cargo.arg("--target-dir").arg(target).arg("--").args(arguments);
        let output = cargo.output().expect("cargo starts");
        (output.status.code(), text(&output.stderr))
    };
    let (code, complaint) = demo(&["missing.obj"]);
    assert_eq!(code, Some(2), "{complaint}");
    assert!(complaint.contains("demo: missing.obj: No such file or directory\n"), "{complaint}");
    for arguments in [&["--help"][..], &["one.obj", "two.obj"]] {
        let (code, complaint) = demo(arguments);
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.starts_with("usage: "), "{complaint}");
    }
}
