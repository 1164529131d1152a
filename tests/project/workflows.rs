//! The workflows for a public CI, which nothing here runs. The scripts of `.ci` that they name are there, and
//! each step of `.ci/run` and `.ci/all` is in one of them.

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use support::root;

/// What each step runs, and the steps that a matrix lists.
struct Workflow {
    commands: Vec<String>,
    matrix: BTreeSet<String>,
}

impl Workflow {
    fn of(text: &str) -> Self {
        let commands = text
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("run: "))
            .map(str::to_owned)
            .collect();
        let list = text.split_once("        step:\n").map_or("", |(_, rest)| rest);
        let matrix = list.lines().map_while(|line| line.trim().strip_prefix("- "));
        Self { commands, matrix: matrix.map(str::to_owned).collect() }
    }

    /// The scripts that it runs.
    fn scripts(&self) -> BTreeSet<String> {
        let named = self.commands.iter().filter_map(|command| command.strip_prefix(".ci/"));
        let mut all = BTreeSet::new();
        for name in named {
            match name == "${{ matrix.step }}" {
                true => all.extend(self.matrix.iter().cloned()),
                false => _ = all.insert(name.to_owned()),
            }
        }
        all
    }
}

fn workflow(name: &str) -> Workflow {
    let file = root().join(".github/workflows").join(name);
    Workflow::of(&std::fs::read_to_string(file).unwrap())
}

/// The scripts that are none.
fn missing(scripts: &BTreeSet<String>) -> Vec<&String> {
    let is_script = |name: &str| {
        let is_run = |of: std::fs::Metadata| of.is_file() && of.permissions().mode() & 0o111 != 0;
        std::fs::metadata(root().join(".ci").join(name)).is_ok_and(is_run)
    };
    scripts.iter().filter(|name| !is_script(name)).collect()
}

#[test]
fn they_run_scripts_that_are_there() {
    let folder = root().join(".github/workflows");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let scripts = workflow(&name).scripts();
        assert!(!scripts.is_empty(), "{name} runs no script of .ci");
        let missing = missing(&scripts);
        assert!(missing.is_empty(), "{name} runs {missing:?}, which are no scripts of .ci");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn every_step_runs_in_one_of_them() {
    assert!(workflow("checks.yml").scripts().contains("run"));
    // `.ci/all` runs `.ci/run`, and then these.
    let all = std::fs::read_to_string(root().join(".ci/all")).unwrap();
    let steps = all.split_once("\nfor step in ").unwrap().1.split_once(';').unwrap().0;
    let steps: BTreeSet<String> = steps.split_whitespace().map(str::to_owned).collect();
    assert!(steps.len() > 5, "{steps:?}");
    assert_eq!(workflow("everything.yml").matrix, steps);
}

#[test]
fn it_sees_a_script_that_is_none() {
    let of = |command: &str| {
        let steps = "        step:\n          - tests\n          - no-such-step\n    x: y\n";
        Workflow::of(&format!("{steps}      - run: {command}\n"))
    };
    assert_eq!(missing(&of(".ci/no-such-script").scripts()), ["no-such-script"]);
    assert_eq!(missing(&of(".ci/${{ matrix.step }}").scripts()), ["no-such-step"]);
    assert_eq!(missing(&of(".ci/README.md").scripts()), ["README.md"]);
    assert!(missing(&of(".ci/run").scripts()).is_empty());
}
