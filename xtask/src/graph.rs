//! The crates that are linked into the delivered files, as cargo resolves them for a platform.

use crate::trouble::{Result, While};
use crate::workshop::{Workshop, print};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub struct Crate {
    pub name: String,
    pub version: String,
    /// The licence as an expression of SPDX.
    pub license: String,
    /// The checksum of the package in the registry, from Cargo.lock.
    pub checksum: Option<String>,
    /// The folder of its sources.
    pub folder: PathBuf,
    /// The crates that it links, by their keys in this graph.
    pub uses: BTreeSet<String>,
}

/// All crates by name and version, the package itself included.
pub type Graph = BTreeMap<String, Crate>;

/// The crates for all targets of a platform together.
pub fn graph(workshop: &Workshop, triples: &[&str]) -> Result<Graph> {
    let mut all = Graph::new();
    for triple in triples {
        all.extend(graph_of(workshop, triple)?);
    }
    Ok(all)
}

fn graph_of(workshop: &Workshop, triple: &str) -> Result<Graph> {
    let mut cargo = workshop.command("cargo");
    cargo.args(["metadata", "--locked", "--format-version=1", "--filter-platform", triple]);
    let metadata: Value = serde_json::from_str(&print(&mut cargo)?).doing("cargo metadata")?;
    let lock = std::fs::read_to_string(workshop.root.join("Cargo.lock")).doing("Cargo.lock")?;
    let checksums = checksums(&lock);
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let root = packages.iter().find(|(_, package)| package["name"] == "dcc-cancel");
    let (root, _) = root.ok_or("dcc-cancel is not in it").doing("cargo metadata")?;
    let key =
        |id: &str| format!("{}@{}", text(packages[id], "name"), text(packages[id], "version"));

    let mut found = Graph::new();
    let mut left = vec![*root];
    while let Some(id) = left.pop() {
        if found.contains_key(&key(id)) {
            continue;
        }
        let linked: Vec<&str> = linked(nodes[id]).collect();
        let package = packages[id];
        let manifest = PathBuf::from(text(package, "manifest_path"));
        let of = Crate {
            name: text(package, "name").to_owned(),
            version: text(package, "version").to_owned(),
            license: text(package, "license").replace('/', " OR "),
            checksum: checksums.get(&key(id)).cloned(),
            folder: manifest.parent().expect("a manifest is in a folder").to_owned(),
            uses: linked.iter().map(|id| key(id)).collect(),
        };
        found.insert(key(id), of);
        left.extend(linked);
    }
    Ok(found)
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

fn by_id(list: &Value) -> BTreeMap<&str, &Value> {
    list.as_array().into_iter().flatten().map(|of| (text(of, "id"), of)).collect()
}

/// The dependencies that are linked. Those for builds and tests have a `kind`, and are left out.
fn linked(node: &Value) -> impl Iterator<Item = &str> {
    let needed = |of: &&Value| {
        of["dep_kinds"].as_array().into_iter().flatten().any(|kind| kind["kind"].is_null())
    };
    node["deps"].as_array().into_iter().flatten().filter(needed).map(|of| text(of, "pkg"))
}

fn checksums(lock: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            let mut lines = package.lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        if let (Some(name), Some(version), Some(sum)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert(format!("{name}@{version}"), sum.to_owned());
        }
    }
    found
}
