//! The map of ARCHITECTURE.md is true: its rooms are those of `src`, and arrows between them point down.
//!
//! An arrow is a path in a source file, tests included, in a `use` or elsewhere, that leads into
//! another file. It goes from the file that contains the path to the file of the module that the
//! path names. What a room exports by `pub use self::main::*` counts as part of its main file. A
//! macro call leads to the file that defines the macro. Method calls make no arrow, because the
//! text does not show which type they belong to.

#[path = "map/paths.rs"]
mod paths;
#[path = "../support/mod.rs"]
mod support;
#[path = "map/table.rs"]
mod table;
#[path = "map/tree.rs"]
mod tree;
#[path = "map/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use table::{Room, quoted, rows, section};
use tree::{Arrow, Tree, rings};

const MAP: &str = "## The map";
const RINGS: &str = "\nFiles of a room that use each other:\n";
const FOLDERS_OF_TESTS: &str = "Folders of `tests/` that mirror no room:";
const TOOL: &str = "src/bin/dcc-control/";

fn page() -> String {
    std::fs::read_to_string(support::root().join("ARCHITECTURE.md")).unwrap()
}

fn map() -> Vec<Room> {
    Room::all(section(&page(), MAP))
}

/// The library and the tool, with paths relative to the root.
fn crates() -> [Tree; 2] {
    std::env::set_current_dir(support::root()).unwrap();
    [Tree::of(Path::new("src/lib.rs")), Tree::of(&Path::new(TOOL).join("main.rs"))]
}

/// All files below a folder.
fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => _ = found.insert(path),
        }
    }
}

/// Fails with one line for each complaint.
fn answer(complaints: &[String]) {
    assert!(complaints.is_empty(), "ARCHITECTURE.md:\n{}", complaints.join("\n"));
}

/// What is wrong with the rows: a file without a room, a file that its room does not name, and
/// names without a file.
fn misnamed(map: &[Room], sources: &BTreeSet<PathBuf>) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in sources {
        match map.iter().find(|room| room.has(file)) {
            None => wrong.push(format!("no room has {}", file.display())),
            Some(room) if file.ends_with("mod.rs") || room.named.contains(file) => (),
            Some(_) => wrong.push(format!("its room does not name {}", file.display())),
        }
    }
    for room in map {
        let gone = room.named.iter().filter(|name| !sources.contains(*name));
        wrong.extend(gone.map(|name| format!("there is no {}", name.display())));
        let empty =
            room.places.iter().filter(|place| !sources.iter().any(|of| of.starts_with(place)));
        wrong.extend(empty.map(|place| format!("there is nothing in {}", place.display())));
    }
    wrong
}

/// The arrows from a room to a room above it.
fn upward(map: &[Room], arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let floor = |file: &Path| map.iter().position(|room| room.has(file));
    let up = arrows.iter().filter(|arrow| floor(&arrow.from) > floor(&arrow.to));
    up.map(|arrow| {
        format!("{}:{} uses {}, above it", arrow.from.display(), arrow.line, arrow.to.display())
    })
    .collect()
}

/// Rings of files that no row explains, and rows for rings that do not exist.
fn unexplained(explained: &BTreeSet<BTreeSet<PathBuf>>, arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let found = rings(arrows);
    let new = found.difference(explained).map(|ring| {
        let inside =
            arrows.iter().filter(|arrow| ring.contains(&arrow.from) && ring.contains(&arrow.to));
        let shown = inside.map(|arrow| {
            format!("\n    {}:{} -> {}", arrow.from.display(), arrow.line, arrow.to.display())
        });
        format!("a ring:{}", shown.collect::<String>())
    });
    let gone = explained.difference(&found).map(|ring| format!("no ring any more: {ring:?}"));
    new.chain(gone).collect()
}

#[test]
fn every_file_has_a_room_and_every_row_its_files() {
    let mut sources = BTreeSet::new();
    std::env::set_current_dir(support::root()).unwrap();
    files(Path::new("src"), &mut sources);
    assert!(sources.len() > 100, "{}", sources.len());
    let mut complaints = misnamed(&map(), &sources);
    let modules: BTreeSet<PathBuf> =
        crates().iter().flat_map(|tree| tree.sources.keys().cloned()).collect();
    let lost = sources.difference(&modules);
    complaints.extend(lost.map(|file| format!("no module is in {}", file.display())));
    answer(&complaints);
}

#[test]
fn arrows_between_rooms_point_down() {
    let arrows: BTreeSet<Arrow> = crates().iter().flat_map(Tree::arrows).collect();
    assert!(arrows.len() > 500, "{}", arrows.len());
    answer(&upward(&map(), &arrows));
}

#[test]
fn a_ring_of_files_has_a_reason() {
    let map = map();
    let is_inside =
        |arrow: &Arrow| map.iter().any(|room| room.has(&arrow.from) && room.has(&arrow.to));
    let arrows = crates().iter().flat_map(Tree::arrows).filter(is_inside).collect();
    let page = page();
    let table = if page.contains(RINGS) { rows(&page, RINGS) } else { Vec::new() };
    let explained =
        table.iter().map(|row| quoted(&row[0]).iter().map(PathBuf::from).collect()).collect();
    answer(&unexplained(&explained, &arrows));
}

#[test]
fn the_tool_uses_what_its_room_says() {
    let [library, tool] = crates();
    let used = library.used_by(&tool, "dcc_cancel");
    let map = map();
    let room = map.iter().find(|room| room.places == [Path::new(TOOL)]).expect("its room");
    let said: BTreeSet<PathBuf> = quoted(&room.text)
        .iter()
        .filter(|name| name.starts_with("src/"))
        .map(|name| if name.ends_with('/') { format!("{name}mod.rs") } else { name.clone() })
        .map(PathBuf::from)
        .collect();
    assert_eq!(used, said);
}

/// The list in src/lib.rs has the map's rooms, in the map's order.
#[test]
fn the_crate_lists_the_rooms() {
    let source = std::fs::read_to_string(support::root().join("src/lib.rs")).unwrap();
    let list = source.lines().take_while(|line| line.starts_with("//!"));
    let listed: Vec<String> = list
        .filter(|line| line.starts_with("//! - "))
        .map(|line| line.split("[`").nth(1).expect("a room").split('`').next().unwrap().to_owned())
        .collect();
    let rooms: Vec<String> = map()
        .iter()
        .map(|room| room.places[0].file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name != "lib" && name != "dcc-control")
        .collect();
    assert_eq!(listed, rooms);
}

/// So a reader finds the tests of a promise from the room that keeps it.
#[test]
fn a_folder_of_tests_mirrors_a_room_or_says_what_it_is_for() {
    let root = support::root();
    let listed: BTreeMap<String, String> = rows(&page(), FOLDERS_OF_TESTS)
        .iter()
        .flat_map(|row| quoted(&row[0]).into_iter().map(|name| (name, row[1].clone())))
        .collect();
    let rooms: BTreeSet<String> = map()
        .iter()
        .flat_map(|room| &room.places)
        .map(|place| place.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let mut complaints = Vec::new();
    let mut there = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_dir() {
            complaints.push(format!("tests/{name} is in no folder"));
        } else if rooms.contains(&name) == listed.contains_key(&name) {
            complaints.push(format!("tests/{name}/ mirrors a room, or is listed: one of both"));
        }
        there.insert(name);
    }
    for (name, what) in &listed {
        if !there.contains(name) || what.is_empty() {
            complaints.push(format!("tests/{name}/ is listed in vain"));
        }
    }
    answer(&complaints);
}

/// Types with the same name in several modules of a crate. The files among which `cfg` chooses are
/// one module.
fn shared_names(tree: &Tree) -> Vec<String> {
    let mut modules: BTreeMap<&str, BTreeSet<(Vec<String>, PathBuf)>> = BTreeMap::new();
    for (file, (source, own)) in &tree.sources {
        for (inside, name, _) in source.types.iter().filter(|(inside, ..)| !is_test(inside)) {
            let module = own[0].iter().chain(inside).cloned().collect();
            modules.entry(name).or_default().insert((module, file.clone()));
        }
    }
    let is_one = |places: &BTreeSet<(Vec<String>, PathBuf)>| {
        let (module, file) = places.first().expect("a place");
        places.iter().all(|(other, in_file)| other == module || in_file == file)
    };
    let shared = modules.into_iter().filter(|(_, places)| !is_one(places));
    shared.map(|(name, places)| format!("{name}: {places:?}")).collect()
}

fn is_test(inside: &[String]) -> bool {
    inside.first().is_some_and(|module| module == "tests")
}

/// Types that replace the real ones in models.
const TWICE: &[&str] = &["Condvar", "Mutex", "MutexGuard"];

/// So a reader who meets a name has one place to look at.
#[test]
fn a_type_has_a_name_of_its_own() {
    let mut complaints: Vec<String> = crates().iter().flat_map(shared_names).collect();
    complaints
        .retain(|complaint| !TWICE.iter().any(|name| complaint.starts_with(&format!("{name}:"))));
    assert!(complaints.is_empty(), "types with one name:\n{}", complaints.join("\n"));
}

/// Whether a path such as `tests/token/loom*.rs` exists, relative to the root.
fn is_there(root: &Path, name: &str) -> bool {
    let Some((before, after)) = name.rsplit_once('/').unwrap_or(("", name)).1.split_once('*')
    else {
        return root.join(name).exists();
    };
    let folder = root.join(Path::new(name).parent().expect("it is in the root"));
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).any(|found| {
        found.len() >= before.len() + after.len()
            && found.starts_with(before)
            && found.ends_with(after)
    })
}

/// The paths in the page's other lines exist, too.
#[test]
fn paths_that_the_page_names_are_there() {
    let root = support::root();
    let page = page();
    let (_, text) = page.split_once(MAP).expect("the map");
    let folders =
        ["src/", "tests/", "python/", "include/", "examples/", "benches/", ".ci/", "docs/"];
    let gone: Vec<String> = quoted(text)
        .into_iter()
        .filter(|name| folders.iter().any(|folder| name.starts_with(folder)))
        .filter(|name| !name.contains(['<', ' ']) && !is_there(&root, name))
        .map(|name| format!("there is no {name}"))
        .collect();
    answer(&gone);
}

/// Whether a name on the page, such as `tests/token/loom*.rs` or `tests/project/`, covers a
/// program.
fn is_name_of(name: &str, program: &str) -> bool {
    match name.split_once('*') {
        Some((before, after)) => program
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|between| !between.contains('/')),
        None if name.ends_with('/') => program.starts_with(name),
        None => name == program,
    }
}

/// So a reader finds in the table where something is tested.
#[test]
fn the_table_of_tests_has_every_program() {
    let manifest = std::fs::read_to_string(support::root().join("Cargo.toml")).unwrap();
    let programs: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'))
        .filter(|path| path.starts_with("tests/") && !path.starts_with("tests/all/"))
        .collect();
    assert!(programs.len() > 50, "{}", programs.len());
    let page = page();
    let tables = section(&page, "\n## Tests\n").lines().filter(|line| line.starts_with('|'));
    let names: Vec<String> = tables.flat_map(quoted).collect();
    let is_named = |program: &str| names.iter().any(|name| is_name_of(name, program));
    let lost = programs.iter().filter(|program| !is_named(program));
    answer(&lost.map(|program| format!("no row of the tests has {program}")).collect::<Vec<_>>());
}

fn arrow(from: &str, to: &str) -> Arrow {
    Arrow { from: from.into(), to: to.into(), line: 1 }
}

#[test]
fn it_sees_what_is_wrong() {
    let map = "### Up\n\n#### `src/high/`\n\nNot `src/low/no.rs`.\n\n| file | |\n|---|---|\n\
               | `high.rs` | not `no.rs` |\n\n### Down\n\n#### `src/low/`\n\n| file | |\n|---|---|\n\
               | `low.rs` | |\n\n| more | |\n|---|---|\n| `deep/er.rs` | |\n";
    let map = Room::all(map);
    let all = |names: &[&str]| names.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
    let there =
        all(&["src/high/high.rs", "src/low/mod.rs", "src/low/low.rs", "src/low/deep/er.rs"]);
    assert_eq!(misnamed(&map, &there), [""; 0]);
    for (without, with) in [("", "src/high/new.rs"), ("", "src/new.rs"), ("src/low/low.rs", "")] {
        let changed = there.iter().filter(|file| **file != Path::new(without)).cloned();
        let changed =
            changed.chain([PathBuf::from(with)]).filter(|file| file.components().count() > 0);
        assert_eq!(misnamed(&map, &changed.collect()).len(), 1, "{without} {with}");
    }

    let down = arrow("src/high/high.rs", "src/low/low.rs");
    let up = arrow("src/low/deep/er.rs", "src/high/high.rs");
    assert_eq!(upward(&map, &BTreeSet::from([down.clone()])), [""; 0]);
    assert_eq!(upward(&map, &BTreeSet::from([down.clone(), up.clone()])).len(), 1);

    let ring = all(&["a", "b", "c"]);
    let arrows =
        [arrow("a", "b"), arrow("b", "c"), arrow("c", "a"), arrow("c", "d"), arrow("e", "a")];
    let arrows = BTreeSet::from(arrows);
    let explained = BTreeSet::from([ring]);
    assert_eq!(rings(&arrows), explained);
    assert_eq!(unexplained(&explained, &arrows), [""; 0]);
    assert_eq!(unexplained(&BTreeSet::new(), &arrows).len(), 1);
    assert_eq!(unexplained(&explained, &BTreeSet::new()).len(), 1);
    assert_eq!(unexplained(&BTreeSet::from([all(&["a", "b"])]), &arrows).len(), 2);
}

/// A crate whose sources contain each form of a path, which must all be found, and texts,
/// characters and comments that look like paths.
#[test]
fn it_sees_every_arrow() {
    let folder = support::scratch("map");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "pub mod room;\npub mod other;\nmod macros;\n");
    write("macros.rs", "#[macro_export]\nmacro_rules! word { () => { $crate::other::deep::X } }\n");
    write("room/mod.rs", "pub mod room;\npub mod side;\npub use self::room::*;\nuse side::Low;\n");
    write(
        "room/side.rs",
        "use crate::{other::{self as far, deep::X}, room::Main};\n\
         use super::super::other::y;\n\
         // use crate::macros; \" '\n\
         /* /* */ crate::macros */\n\
         const A: (&str, char, char) = (\"crate::macros \\\"\", '\"', '\\'');\n\
         const B: &str = r#\"\"crate::macros\"#;\n\
         fn f<'a>(a: &'a str) { crate::room::room::g(super::Main) }\n\
         mod tests { use super::*; mod more { use super::super::Low; } fn f() { super::super::h() } }\n",
    );
    write(
        "room/room.rs",
        "fn f() { crate::word!(); word!(); crate::other::system::go() }\nenum X {}\n",
    );
    write(
        "other/mod.rs",
        "pub mod deep;\nfn deep() {}\n#[path = \"unix.rs\"]\nmod system;\nuse self::system::go;\n",
    );
    write("other/deep.rs", "mod imp;\npub(in crate::room) struct X;\n");
    write("other/deep/imp.rs", "use super::X;\nuse super::super::deep;\nfn f() { deep() }\n");
    write("other/unix.rs", "use core::fmt;\n#[path = \"clients.rs\"]\nmod clients;\n");
    write("other/clients.rs", "use super::super::deep;\nuse super::fmt;\nfn f() { deep::go() }\n");
    let tree = Tree::of(&folder.join("lib.rs"));
    let shared = shared_names(&tree);
    assert!(shared.len() == 1 && shared[0].starts_with("X:"), "{shared:?}");
    let found: Vec<(String, String, usize)> = tree
        .arrows()
        .into_iter()
        .map(|Arrow { from, to, line }| {
            let name = |path: PathBuf| path.strip_prefix(&folder).unwrap().display().to_string();
            (name(from), name(to), line)
        })
        .collect();
    let expected = [
        ("macros.rs", "other/deep.rs", 2),
        ("other/clients.rs", "other/deep.rs", 1),
        ("other/clients.rs", "other/unix.rs", 2),
        ("other/deep/imp.rs", "other/deep.rs", 1),
        ("other/deep/imp.rs", "other/mod.rs", 2),
        ("other/mod.rs", "other/unix.rs", 5),
        ("room/mod.rs", "room/room.rs", 3),
        ("room/mod.rs", "room/side.rs", 4),
        ("room/room.rs", "macros.rs", 1),
        ("room/room.rs", "other/unix.rs", 1),
        ("room/side.rs", "other/deep.rs", 1),
        ("room/side.rs", "other/mod.rs", 1),
        ("room/side.rs", "other/mod.rs", 2),
        ("room/side.rs", "room/room.rs", 1),
        ("room/side.rs", "room/room.rs", 7),
        ("room/side.rs", "room/room.rs", 8),
    ];
    let found: Vec<(&str, &str, usize)> =
        found.iter().map(|(from, to, line)| (from.as_str(), to.as_str(), *line)).collect();
    let (found, expected) = (BTreeSet::from_iter(found), BTreeSet::from_iter(expected));
    let missed: Vec<_> = expected.difference(&found).collect();
    let made_up: Vec<_> = found.difference(&expected).collect();
    assert!(missed.is_empty() && made_up.is_empty(), "missed {missed:?}, made up {made_up:?}");
}
