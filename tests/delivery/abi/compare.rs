//! Whether programs that were built for one record run with the library of another.

use crate::record::Record;
use roxmltree::{Document, Node};
use std::path::Path;
use std::process::Command;

/// The differences that libabigail finds, if any. `arguments` say which ones do not matter.
fn abidiff(old: &Record, new: &Record, folder: &Path, arguments: &[String]) -> Option<String> {
    let files = [("old.xml", old), ("new.xml", new)].map(|(name, record)| {
        let path = folder.join(name);
        std::fs::write(&path, &record.abi).unwrap();
        path
    });
    let output = Command::new("abidiff").args(arguments).args(files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = output.status.code().unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(status & 3 == 0, "abidiff ended with {status}: {said}{failed}");
    (status != 0).then_some(said)
}

/// All differences.
pub fn differences(old: &Record, new: &Record, folder: &Path) -> Option<String> {
    let constants = || format!("constants were\n{}and are\n{}", old.constants, new.constants);
    abidiff(old, new, folder, &[]).or_else(|| (old.constants != new.constants).then(constants))
}

/// The differences that break programs of the old version. The structures in `growing` may have new
/// fields at their ends.
pub fn broken(old: &Record, new: &Record, growing: &[String], folder: &Path) -> Result<(), String> {
    // libabigail would skip the other fields of a structure that has grown; `shrunk` checks these.
    let grown = format!(
        "[suppress_type]\n type_kind = struct\n name_regexp = ^({})$\n \
         has_data_member_inserted_at = end\n",
        growing.join("|")
    );
    let list = folder.join("grown.ini");
    std::fs::write(&list, grown).unwrap();
    let arguments =
        ["--no-added-syms".to_owned(), "--suppressions".to_owned(), list.display().to_string()];
    if let Some(difference) = abidiff(old, new, folder, &arguments) {
        return Err(difference);
    }
    for line in old.constants.lines() {
        if !new.constants.lines().any(|one| one == line) {
            return Err(format!("{line}: it is not so any more"));
        }
    }
    growing.iter().try_for_each(|name| shrunk(&old.abi, &new.abi, name))
}

/// Fails if a structure no longer begins with the fields that it had.
fn shrunk(old: &str, new: &str, name: &str) -> Result<(), String> {
    let (old, new) = (Document::parse(old).unwrap(), Document::parse(new).unwrap());
    let Some(before) = structure(&old, name) else { return Ok(()) };
    let now = structure(&new, name).ok_or_else(|| format!("there is no {name} any more"))?;
    let (before, now) = (fields(&old, before), fields(&new, now));
    match now.starts_with(&before) {
        true => Ok(()),
        false => Err(format!("{name} had the fields\n{before:#?}, and has\n{now:#?}")),
    }
}

fn structure<'a>(record: &'a Document<'a>, name: &str) -> Option<Node<'a, 'a>> {
    let is_it = |node: &Node| {
        node.has_tag_name("class-decl")
            && node.attribute("name") == Some(name)
            && node.attribute("is-declaration-only").is_none()
    };
    record.descendants().find(is_it)
}

/// The size of a structure in bytes.
pub fn size(record: &Record, name: &str) -> Option<usize> {
    let document = Document::parse(&record.abi).unwrap();
    let bits: usize = structure(&document, name)?.attribute("size-in-bits")?.parse().unwrap();
    Some(bits / 8)
}

/// Each field: its offset, its name and its type.
fn fields<'a>(record: &'a Document<'a>, structure: Node<'a, 'a>) -> Vec<String> {
    let members = structure.children().filter(|node| node.has_tag_name("data-member"));
    let field = |member: Node<'a, 'a>| {
        let declared = member.children().find(Node::is_element).unwrap();
        let place = member.attribute("layout-offset-in-bits").unwrap();
        let kind = type_name(record, declared.attribute("type-id").unwrap());
        format!("{place} {} {kind}", declared.attribute("name").unwrap())
    };
    members.map(field).collect()
}

/// A type in words, with names and pointers resolved.
fn type_name(record: &Document, id: &str) -> String {
    let is_it = |node: &Node| node.attribute("id") == Some(id);
    let node = record.descendants().find(is_it).unwrap_or_else(|| panic!("no type {id}"));
    let of = |node: Node| node.attribute("type-id").map(|id| type_name(record, id));
    let own = node.attribute("name").or(node.attribute("size-in-bits")).unwrap_or_default();
    match node.tag_name().name() {
        "class-decl" | "type-decl" => own.to_owned(),
        kind => format!("{kind} {own} of {}", of(node).unwrap_or_default()),
    }
}
