//! What programs rely on that were built against a header: functions with their versions, types, constants.
//!
//! libabigail reads it from a library whose functions have the header's types and do nothing. So a record
//! says what C sees, and no other compiler of the library changes it.

use crate::c_header::{Header, Value};
use crate::support;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{printed, run};

/// The record of a version, in the form in which it is stored.
pub struct Record {
    /// Functions and types, in libabigail's XML.
    pub abi: String,
    /// Lines of the form `NAME = value`.
    pub constants: String,
}

/// The constants that name the version, which always differ.
const VERSIONS: [&str; 2] = ["DCC_ABI_MINOR", "DCC_CANCEL_VERSION"];

/// C code that defines each function of the header with its types.
fn bodies(header: &Header) -> String {
    let mut code = String::from("#include \"dcc_cancel.h\"\n");
    for function in &header.functions {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|parameter| match &parameter.kind.function {
                Some(of) => panic!("{}: {of:?} has no name", function.name),
                None => format!("{} {}", parameter.kind, parameter.name),
            })
            .collect();
        let parameters =
            if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") };
        let result = function.result.to_string();
        let body = match result.as_str() {
            "void" => String::new(),
            _ => format!("{result} none; __builtin_memset(&none, 0, sizeof none); return none;"),
        };
        // The name is in parentheses, because there may be a macro of that name.
        code += &format!("{result} ({})({parameters}) {{ {body} }}\n", function.name);
    }
    code
}

impl Record {
    /// Makes the record from a header and the list of the functions' versions.
    pub fn of(header: &str, versions: &str, folder: &Path) -> Self {
        let parsed = Header::parse(header).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("dcc_cancel.h", header);
        write("bodies.c", &bodies(&parsed));
        write("versions.map", versions);
        // The compiler runs in the folder, because some records contain the folder's path.
        let mut compile = Command::new(support::cc());
        compile.current_dir(folder).args(["-g", "-shared", "-fPIC", "-I.", "bodies.c"]);
        compile.arg("-Wl,-soname,libdcc_cancel.so.2,--version-script=versions.map");
        run(compile.args(["-o", "bodies.so"]));

        let mut read = Command::new("abidw");
        read.args(["--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "--no-elf-needed"]);
        read.args(["--drop-private-types", "--header-file", "dcc_cancel.h", "bodies.so"]);
        let abi = printed(read.current_dir(folder));
        let kept = |name: &str| !VERSIONS.contains(&name);
        let constants = parsed.constants.iter().filter(|constant| kept(&constant.name));
        let line = |(name, value): (&str, &Value)| match value {
            Value::Number(number) => format!("{name} = {number}\n"),
            Value::Text(text) => format!("{name} = {text:?}\n"),
        };
        let constants = constants.map(|constant| line((&constant.name, &constant.value))).collect();
        Self { abi, constants }
    }

    /// The two files of a version's record.
    pub fn files(version: &str) -> [PathBuf; 2] {
        let folder = support::root().join("tests/data/abi");
        ["xml", "constants"].map(|end| folder.join(format!("{version}.{end}")))
    }

    pub fn read(version: &str) -> Self {
        let text = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        let [abi, constants] = &Self::files(version);
        Self { abi: text(abi), constants: text(constants) }
    }

    pub fn write(&self, version: &str) {
        let [abi, constants] = Self::files(version);
        std::fs::write(abi, &self.abi).unwrap();
        std::fs::write(constants, &self.constants).unwrap();
    }
}
