//! All plugins of a process share one instance of the library, which stays loaded after they are
//! unloaded. A host in a child process loads plugins that link the library and plugins that bring
//! their own copy.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{cc, root, run, scratch, staged_library};

/// A folder with the host, two plugins of each kind and two copies of the library.
struct Stage {
    folder: PathBuf,
}

impl Stage {
    fn new(name: &str) -> Self {
        let folder = scratch(&format!("instances_{name}"));
        staged_library(&folder);
        // Each copy is a file of its own in a folder of its own.
        staged_library(&folder.join("copy_one"));
        staged_library(&folder.join("copy_two"));
        let stage = Self { folder };
        stage.compile("host.c", "host", &["-pthread", "-ldl"]);
        for plugin in ["one", "two"] {
            let directory = stage.folder.display().to_string();
            let linking =
                ["-L", &directory, "-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-shared", "-fPIC"];
            stage.compile("linked.c", &format!("linked_{plugin}.so"), &linking);
            stage.compile(
                "loading.c",
                &format!("loading_{plugin}.so"),
                &["-shared", "-fPIC", "-ldl"],
            );
        }
        stage
    }

    fn compile(&self, source: &str, name: &str, flags: &[&str]) {
        run(Command::new(cc())
            .args(support::C_FLAGS)
            .arg("-I")
            .arg(support::include())
            .arg(root().join("tests/plugins").join(source))
            .args(flags)
            .arg("-o")
            .arg(self.folder.join(name)));
    }

    fn host(&self, what: &str, files: &[&str]) {
        let mut host = Command::new(self.folder.join("host"));
        host.arg(what).args(files.iter().map(|file| self.folder.join(file)));
        run(&mut host);
    }
}

const COPIES: [&str; 4] = [
    "loading_one.so",
    "loading_two.so",
    "copy_one/libdcc_cancel.so.2",
    "copy_two/libdcc_cancel.so.2",
];

#[test]
fn two_linked_plugins_share_the_slots() {
    let stage = Stage::new("linked");
    stage.host("linked_local", &["linked_one.so", "linked_two.so"]);
    stage.host("linked_global", &["linked_one.so", "linked_two.so"]);
}

#[test]
fn plugins_with_copies_of_their_own_share_the_slots() {
    let stage = Stage::new("own_copies");
    stage.host("own_copies", &COPIES);
    stage.host("own_copies_global", &COPIES);
}

/// A plugin's table of functions must not be exported: the next plugin would use it, too, and it
/// would dangle once the first plugin is unloaded.
#[test]
fn the_loader_exports_nothing_from_a_plugin() {
    let stage = Stage::new("exports");
    let source = root().join("tests/plugins/loading.c");
    for (compiler, language) in [(cc(), "c"), (support::cxx(), "c++")] {
        let plugin = stage.folder.join("exporting.so");
        // Without optimization, so that no function is inlined away.
        run(Command::new(compiler)
            .args(["-x", language, "-O0", "-shared", "-fPIC", "-I"])
            .arg(support::include())
            .arg(&source)
            .args(["-ldl", "-o"])
            .arg(&plugin));
        let listing =
            support::printed(Command::new("nm").args(["-D", "--defined-only"]).arg(plugin));
        let names: Vec<&str> = listing.lines().filter_map(|line| line.rsplit(' ').next()).collect();
        assert!(names.iter().any(|name| name.contains("plugin_load")), "{listing}");
        let foreign = names.iter().find(|name| name.contains("dcc_"));
        assert_eq!(foreign, None, "{language}");
    }
}

#[test]
fn a_linked_plugin_and_one_with_a_copy_share_the_slots() {
    let stage = Stage::new("mixed");
    stage.host("own_copies", &[COPIES[0], COPIES[1], "libdcc_cancel.so.2", COPIES[2]]);
}

#[test]
fn a_second_copy_says_so() {
    Stage::new("second_copy").host("second_copy", &COPIES[2..]);
}

/// The loader lists the libraries of one link namespace only.
#[test]
fn a_copy_in_another_link_namespace_says_so() {
    let stage = Stage::new("namespaces");
    stage.compile("namespaces.c", "namespaces", &["-pthread", "-ldl"]);
    let library = stage.folder.join("libdcc_cancel.so.2");
    let host = |what: &str| {
        run(Command::new(stage.folder.join("namespaces")).arg(what).arg(&library));
    };
    host("own_first");
    host("other_first");
    for _ in 0..50 {
        host("race");
    }
}

#[test]
fn a_plugin_that_is_unloaded_while_its_thread_lives_harms_nothing() {
    Stage::new("unload").host("unload", &["linked_one.so"]);
}

#[test]
fn it_stays_when_the_plugin_that_brought_it_goes() {
    let files = ["linked_one.so", COPIES[0], COPIES[2]];
    Stage::new("first_user_leaves").host("first_user_leaves", &files);
}

#[test]
fn loaders_that_race_end_with_one_instance() {
    let stage = Stage::new("race");
    for _ in 0..30 {
        stage.host("racing_loaders", &COPIES);
    }
}

#[test]
fn it_loads_after_others_used_up_the_static_tls() {
    let stage = Stage::new("static_tls");
    let takers: Vec<String> = (0..12).map(|number| format!("taker_{number}.so")).collect();
    for taker in &takers {
        stage.compile("static_tls.c", taker, &["-shared", "-fPIC"]);
    }
    let mut files = vec!["linked_one.so"];
    files.extend(takers.iter().map(String::as_str));
    stage.host("exhausted_static_tls", &files);
}

#[test]
fn the_copies_are_files_of_their_own() {
    let stage = Stage::new("files");
    let inode =
        |path: &Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let [one, two] = [COPIES[2], COPIES[3]].map(|copy| inode(&stage.folder.join(copy)));
    assert_ne!(one, two);
}
