//! Makes one artefact after the other, and tells which ones were not made.

use crate::artefact::{Artefact, names};
use crate::compile::{Built, compile};
use crate::graph::graph;
use crate::install::{empty, install};
use crate::pack;
use crate::platform::{Platform, System};
use crate::source;
use crate::symbols::split;
use crate::trouble::{Result, Trouble, While};
use crate::unreal;
use crate::wheel;
use crate::workshop::Workshop;
use std::fs;
use std::path::Path;

/// Whether all artefacts were made that have to be.
pub fn dist(only: &[String]) -> Result<bool> {
    let unknown = only.iter().find(|name| !Artefact::all().any(|of| of.name() == **name));
    if let Some(name) = unknown {
        let why = format!("there is no artefact {name:?}; there are {}", names());
        return Err(Trouble::Failed(why));
    }
    let workshop = Workshop::open()?;
    let all = only.is_empty();
    if all {
        empty(&workshop.dist())?;
    }
    fs::create_dir_all(workshop.dist()).doing("target/dist")?;
    let is_strict = !all || std::env::var_os("DCC_NO_SKIP").is_some();
    let mut made_before = Vec::new();
    let mut not_made = Vec::new();
    let mut is_fine = true;
    for artefact in Artefact::all().filter(|of| of.is_asked_for(only)) {
        println!("=== {}", artefact.name());
        let made = match artefact {
            Artefact::Platform(platform) => make(&workshop, platform),
            Artefact::Source => source::make(&workshop),
            Artefact::Unreal => unreal::make(&workshop, &made_before),
        };
        match made {
            Ok(()) => made_before.push(artefact.name()),
            Err(trouble) => {
                is_fine &= matches!(trouble, Trouble::Lacks(_)) && !is_strict;
                not_made.push(format!("{}: {trouble}", artefact.name()));
            }
        }
    }
    pack::sums(&workshop.dist())?;
    let sums = fs::read_to_string(workshop.dist().join("SHA256SUMS")).doing("SHA256SUMS")?;
    println!("=== made, in {}\n{sums}=== not made", workshop.dist().display());
    match not_made.is_empty() {
        true => println!("nothing that was to be made is missing"),
        false => println!("{}", not_made.join("\n")),
    }
    Ok(is_fine)
}

/// Makes the archive of a platform, the archive of its symbols, and the wheel.
fn make(workshop: &Workshop, platform: &Platform) -> Result<()> {
    let name = format!("dcc-cancel-{}-{}", workshop.version, platform.name);
    let symbols_name = format!("{name}-symbols");
    let (pack, end): (Pack, _) = match platform.system {
        System::Windows => (pack::zip, "zip"),
        System::Linux | System::Macos => (pack::tar_gz, "tar.gz"),
    };
    let archive = |name: &str| workshop.dist().join(format!("{name}.{end}"));
    let wheel = workshop.dist().join(wheel::name(workshop, platform));
    for file in [archive(&name), archive(&symbols_name), wheel.clone()] {
        if file.exists() {
            fs::remove_file(&file).doing(file.display())?;
        }
    }
    let graph = graph(workshop, platform.triples)?;
    let folder = workshop.folder(platform.name);
    let built = compile(workshop, platform)?;
    let (stripped, symbols, prefix) =
        (folder.join("stripped"), folder.join("symbols"), folder.join("prefix"));
    empty(&stripped)?;
    empty(&symbols)?;
    empty(&prefix)?;
    let delivered = Built {
        library: stripped.join(platform.system.library()),
        tool: stripped.join(platform.system.tool()),
    };
    split(&workshop.root, platform.system, &built.library, &delivered.library, &symbols)?;
    split(&workshop.root, platform.system, &built.tool, &delivered.tool, &symbols)?;
    install(workshop, platform, &delivered, &graph, &prefix)?;
    pack(&prefix, &name, &archive(&name), workshop.time)?;
    pack(&symbols, &symbols_name, &archive(&symbols_name), workshop.time)?;
    let licences = prefix.join("share/licenses/dcc_cancel");
    wheel::write(workshop, platform, &delivered.library, &licences, &wheel)
}

type Pack = fn(&Path, &str, &Path, u64) -> Result<()>;
