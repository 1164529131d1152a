//! The modules of a crate, the files that they are in, and which file a path leads to.

use super::paths::{self, Source, Written};
use super::words::words;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module and its file; several files if `cfg` chooses one of them.
#[derive(Debug, Default)]
struct Module {
    files: BTreeSet<PathBuf>,
    /// The module that it exports by `pub use self::name::*`.
    main: Option<String>,
}

/// A crate: its modules by their paths. The root's path is empty.
#[derive(Debug, Default)]
pub struct Tree {
    modules: BTreeMap<Vec<String>, Module>,
    /// The contents of each file, with the modules that the file is.
    pub sources: BTreeMap<PathBuf, (Source, Vec<Vec<String>>)>,
    /// The file that defines each macro.
    macros: BTreeMap<String, PathBuf>,
}

/// One file uses another one, in this line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: PathBuf,
    pub to: PathBuf,
    pub line: usize,
}

impl Tree {
    /// The crate with this main file.
    pub fn of(main: &Path) -> Self {
        let mut tree = Self::default();
        tree.add(main, Vec::new(), true);
        for (file, (source, _)) in &tree.sources {
            tree.macros.extend(source.macros.iter().map(|name| (name.clone(), file.clone())));
        }
        tree
    }

    /// Adds a file and its modules. `owns_folder`: the modules are beside the file, as those of
    /// lib.rs, main.rs and mod.rs are.
    fn add(&mut self, file: &Path, module: Vec<String>, owns_folder: bool) {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let source = paths::read(&words(&text));
        self.module(&module, file).main = source.written.iter().find_map(|path| {
            let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
            match *names {
                ["self", name, "*"] if path.inside.is_empty() => Some(name.to_owned()),
                _ => None,
            }
        });
        let folder = file.parent().expect("a file is in a folder").to_owned();
        for declared in &source.declared {
            let mut path = module.clone();
            path.extend(declared.inside.iter().cloned());
            path.push(declared.name.clone());
            if !declared.has_file {
                self.module(&path, file);
                continue;
            }
            let mut beside = folder.clone();
            if !owns_folder && declared.path.is_none() {
                beside.push(file.file_stem().expect("a name"));
            }
            beside.extend(declared.inside.iter().filter(|_| declared.path.is_none()));
            let name = declared.path.clone().unwrap_or(format!("{}.rs", declared.name));
            let own = beside.join(name);
            match own.is_file() {
                true => self.add(&own, path, declared.path.is_some()),
                false => self.add(&beside.join(&declared.name).join("mod.rs"), path, true),
            }
        }
        let known = self.sources.entry(file.to_owned()).or_insert((source, Vec::new()));
        known.1.push(module);
    }

    fn module(&mut self, path: &[String], file: &Path) -> &mut Module {
        let module = self.modules.entry(path.to_vec()).or_default();
        module.files.insert(file.to_owned());
        module
    }

    /// The module that a path leads to which is written in the module `here` of this file. `None`:
    /// it leaves the crate.
    fn resolve(&self, here: &[String], written: &Written) -> Option<Vec<String>> {
        let mut at: Vec<String> = here.to_vec();
        at.extend(written.inside.iter().cloned());
        let mut names = written.names.iter().peekable();
        match names.peek()?.as_str() {
            "crate" => {
                at.clear();
                names.next();
            }
            "self" => _ = names.next(),
            "super" => {
                while names.next_if(|name| *name == "super").is_some() {
                    at.pop().expect("a module above");
                }
            }
            name => {
                at.push(name.to_owned());
                names.next();
                if !self.modules.contains_key(&at) {
                    return None;
                }
            }
        }
        for name in names {
            at.push(name.clone());
            if !self.modules.contains_key(&at) {
                at.pop();
                // The names that a room exports are in its main file.
                at.extend(self.modules[&at].main.iter().cloned());
                break;
            }
        }
        Some(at)
    }

    /// The module that contains a name which seemed to be the name of a module: the one above, if
    /// that has a function of this name and the source has no path through the module.
    fn shown(&self, source: &Source, written: &Written, module: Vec<String>) -> Vec<String> {
        let Some((name, above)) = module.split_last() else { return module };
        let is_last = written.names.last() == Some(name);
        let is_function = self.modules.get(above).is_some_and(|above| {
            above.files.iter().any(|file| self.sources[file].0.functions.contains(name))
        });
        let goes_through =
            || source.written.iter().any(|path| path.names.len() > 1 && path.names[0] == *name);
        match is_last && is_function && !goes_through() {
            true => above.to_vec(),
            false => module,
        }
    }

    /// All arrows, each with a line. A file's use of itself is left out.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (from, (source, modules)) in &self.sources {
            let mut add = |to: &Path, line| {
                let arrow = Arrow { from: from.clone(), to: to.to_owned(), line };
                arrows.extend((from != to).then_some(arrow));
            };
            for written in &source.written {
                // A crate's macro is found in the root, wherever it was defined.
                let in_root = match &*written.names {
                    [start, name] if start == "crate" => self.macros.get(name),
                    _ => None,
                };
                if let Some(file) = in_root {
                    add(file, written.line);
                    continue;
                }
                for module in modules {
                    let Some(to) = self.resolve(module, written) else { continue };
                    let files = &self.modules[&self.shown(source, written, to)].files;
                    // Each file of a module in several files has its own paths.
                    let others = files.iter().filter(|_| !files.contains(from));
                    others.for_each(|file| add(file, written.line));
                }
            }
            for (name, line) in &source.called {
                self.macros.get(name).into_iter().for_each(|file| add(file, *line));
            }
        }
        arrows
    }

    /// The files of this crate that another crate's paths lead to. Those paths begin with this
    /// crate's name.
    pub fn used_by(&self, user: &Tree, name: &str) -> BTreeSet<PathBuf> {
        let written = user.sources.values().flat_map(|(source, _)| &source.written);
        written
            .filter(|path| path.names[0] == name)
            .flat_map(|path| {
                let mut names = path.names.clone();
                names[0] = "crate".to_owned();
                let inside = Written { inside: Vec::new(), names, line: path.line };
                let to = self.resolve(&[], &inside).expect("it is in the crate");
                self.modules[&to].files.clone()
            })
            .collect()
    }
}

/// The rings of files: sets in which each file leads to each other file.
pub fn rings(arrows: &BTreeSet<Arrow>) -> BTreeSet<BTreeSet<PathBuf>> {
    let mut reached: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for arrow in arrows {
        reached.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    loop {
        let before: usize = reached.values().map(BTreeSet::len).sum();
        for from in reached.keys().copied().collect::<Vec<_>>() {
            let further: Vec<&Path> =
                reached[from].iter().filter_map(|to| reached.get(to)).flatten().copied().collect();
            reached.get_mut(from).expect("it is there").extend(further);
        }
        if reached.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let comes_back = |from: &Path, to: &Path| reached.get(to).is_some_and(|all| all.contains(from));
    reached
        .iter()
        .filter(|(from, all)| all.contains(*from))
        .map(|(from, all)| {
            all.iter().filter(|to| comes_back(from, to)).map(|to| to.to_path_buf()).collect()
        })
        .collect()
}
