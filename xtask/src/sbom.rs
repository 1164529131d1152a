//! The SBOM, in CycloneDX 1.5: everything that is linked into the delivered files.

use crate::graph::{Crate, Graph};
use crate::platform::{Platform, System};
use crate::toolchain::Toolchain;
use crate::trouble::{Result, While};
use crate::workshop::{Workshop, llvm, print};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

const RUST: &str = "rust-standard-library";
const UNWINDER: &str = "llvm-libunwind-of-zig";

pub fn write(workshop: &Workshop, platform: &Platform, graph: &Graph, to: &Path) -> Result<()> {
    let rust = Toolchain::of(workshop, platform.triples[0])?.version(workshop)?;
    let zig = print(workshop.command(workshop.zig()?.join("zig")).arg("version"))?;
    let mut others = vec![json!({
        "type": "library", "bom-ref": RUST, "name": "Rust's standard library",
        "version": rust, "licenses": [{"expression": "MIT OR Apache-2.0"}],
    })];
    let mut linker = json!({"type": "application", "name": "zig", "version": zig});
    if platform.system == System::Macos {
        // LLVM's linker, called through clang. The unwinder belongs to the system.
        let clang = print(Command::new(llvm("clang")?).arg("--version"))?;
        let version = clang.lines().next().unwrap_or_default();
        linker = json!({"type": "application", "name": "clang", "version": version});
    } else {
        others.push(json!({
            "type": "library", "bom-ref": UNWINDER, "name": "LLVM's libunwind, as in zig",
            "version": zig, "licenses": [{"expression": "Apache-2.0 WITH LLVM-exception"}],
        }));
    }
    let names: Vec<Value> = others.iter().map(|other| other["bom-ref"].clone()).collect();
    let of_others = names.iter().map(|name| json!({"ref": name, "dependsOn": []}));
    let uses = |of: &Crate| {
        let mut on: Vec<Value> =
            of.uses.iter().map(|name| reference(&graph[name]).into()).collect();
        if of.name == "dcc-cancel" {
            on.extend(names.iter().cloned());
        }
        json!({"ref": reference(of), "dependsOn": on})
    };
    let own = |of: &&Crate| of.name == "dcc-cancel";
    let all = || graph.values();
    let components = all().filter(|of| !own(of)).map(component).chain(others);
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": all().find(own).map(component),
            "tools": {"components": [
                {"type": "application", "name": "rustc", "version": rust},
                linker,
            ]},
        },
        "components": components.collect::<Vec<Value>>(),
        "dependencies": all().map(uses).chain(of_others).collect::<Vec<Value>>(),
    });
    let text = format!("{document:#}\n");
    fs::write(to, text).doing(to.display())
}

/// The package URL of a crate, by which tools look up what is known about it.
fn reference(of: &Crate) -> String {
    format!("pkg:cargo/{}@{}", of.name, of.version)
}

fn component(of: &Crate) -> Value {
    let hashes = of.checksum.iter().map(|sum| json!({"alg": "SHA-256", "content": sum}));
    json!({
        "type": "library",
        "bom-ref": reference(of),
        "name": of.name,
        "version": of.version,
        "purl": reference(of),
        "licenses": [{"expression": of.license}],
        "hashes": hashes.collect::<Vec<Value>>(),
    })
}
