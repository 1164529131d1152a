//! `include/dcc_cancel.h` and `include/dcc_cancel_dl.h` agree with the sources.
//!
//! `DCC_UPDATE_HEADERS=1 cargo test --test header` writes both again.

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "../support/c_items.rs"]
mod c_items;
#[path = "../support/header_chapters.rs"]
mod header_chapters;
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/mod.rs"]
mod support;

use c_header::{Header, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use support::root;

/// The header's chapters, and all text that is written by hand.
const TEMPLATE: &str = include_str!("../support/dcc_cancel.h.in");

#[test]
fn no_file_with_something_for_c_code_is_left_out() {
    for entry in std::fs::read_dir(root().join("src/ffi")).unwrap() {
        let path = entry.unwrap().path();
        // The template contains this one, in the form that C needs.
        let by_hand = "pub const DCC_NUL_TERMINATED";
        let source = std::fs::read_to_string(&path).unwrap().replace(by_hand, "");
        let is_for_c =
            ["\npub const DCC_", "\npub struct dcc_", "\npub type dcc_", "[unsafe(no_mangle)]"];
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_seen = header_chapters::files(TEMPLATE).contains(&name)
            || !is_for_c.iter().any(|what| source.contains(what));
        assert!(is_seen, "no chapter has {name}");
    }
}

/// The header that the sources give now.
fn generated_header() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    let mut sources = BTreeMap::new();
    for name in header_chapters::files(TEMPLATE) {
        let path = root().join(format!("src/ffi/{name}.rs"));
        sources.insert(name, std::fs::read_to_string(&path).expect("a file of src/ffi"));
        builder = builder.with_src(path);
    }
    let mut declarations = Vec::new();
    builder.generate().expect("the sources parse").write(&mut declarations);
    let items = c_items::items(&String::from_utf8(declarations).unwrap());
    header_chapters::fill(TEMPLATE, items, &sources).replace("@VERSION@", env!("CARGO_PKG_VERSION"))
}

fn check_or_update(path: &Path, fresh: &str) {
    if std::env::var_os("DCC_UPDATE_HEADERS").is_some() {
        // The file is replaced in one step, because other tests compile it meanwhile.
        let next = path.with_extension("next");
        std::fs::write(&next, fresh).unwrap();
        std::fs::rename(&next, path).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == fresh,
        "{} is not what the sources say; run DCC_UPDATE_HEADERS=1 cargo test --test header",
        path.display()
    );
}

#[test]
fn the_header_is_fresh() {
    check_or_update(&root().join("include/dcc_cancel.h"), &generated_header());
}

#[test]
fn the_loaders_header_is_fresh() {
    let fresh = loader_header::generate(&generated_header());
    check_or_update(&root().join("include/dcc_cancel_dl.h"), &fresh);
}

/// Compiles sources that include each of these headers alone, and all of them twice.
fn compile(compiler: &str, flags: &[&str], language: &str, headers: &[&str]) {
    let twice: String =
        [headers, headers].concat().iter().map(|h| format!("#include \"{h}\"\n")).collect();
    let name =
        format!("{compiler}{}{}", flags.concat(), headers.concat()).replace(['/', '=', '+'], "_");
    let source = support::scratch(&format!("header_{name}")).join("source.c");
    std::fs::write(
        &source,
        format!("{twice}int compiled(void);\nint compiled(void) {{ return 0; }}\n"),
    )
    .unwrap();
    let object = source.with_extension("o");
    support::run(
        Command::new(compiler)
            .args(["-x", language])
            .args(flags)
            .arg("-I")
            .arg(support::include())
            .arg("-c")
            .arg(source)
            .arg("-o")
            .arg(object),
    );
}

const ALONE: &[&[&str]] =
    &[&["dcc_cancel.h"], &["dcc_cancel_dl.h"], &["dcc_cancel_dl.h", "dcc_cancel.h"]];

/// Compiles all headers in the combinations that users need, also with Unreal's options for C++.
fn compile_all(c: &str, cxx: &str) {
    let frugal = [support::CXX_FLAGS, &["-fno-exceptions", "-fno-rtti"]].concat();
    let implementation = "-DDCC_CANCEL_DL_IMPLEMENTATION";
    for headers in ALONE {
        compile(c, support::C_FLAGS, "c", headers);
    }
    compile(c, &[support::C_FLAGS, &[implementation]].concat(), "c", &["dcc_cancel_dl.h"]);
    for flags in [support::CXX_FLAGS, &frugal] {
        for headers in ALONE {
            compile(cxx, flags, "c++", headers);
        }
        compile(cxx, flags, "c++", &["dcc_cancel.hpp"]);
        let loading = ["dcc_cancel_dl.h", "dcc_cancel.hpp"];
        compile(cxx, flags, "c++", &loading);
        compile(cxx, &[flags, &[implementation]].concat(), "c++", &loading);
    }
}

#[test]
fn the_headers_compile_as_c_and_as_cpp() {
    compile_all(&support::cc(), &support::cxx());
}

/// The header's reader, which tests and generators use, agrees with a compiler: each function is
/// declared once more from what it read, and each field and each constant is compared.
#[test]
fn the_header_is_read_as_a_compiler_reads_it() {
    let read = Header::parse(&generated_header()).unwrap_or_else(|error| panic!("{error}"));
    let mut checks = vec!["#include \"dcc_cancel.h\"".to_owned()];
    // A name in parentheses is not expanded as a macro.
    checks.extend(read.functions.iter().map(|function| {
        let name = &function.name;
        let declared =
            function.to_string().replacen(&format!(" {name}("), &format!(" ({name})("), 1);
        format!("extern {declared};")
    }));
    for function in &read.inline_functions {
        checks.push(format!("static inline {function};"));
    }
    let mut same = |c: &str, kind: &str| {
        checks.push(format!("_Static_assert(__builtin_types_compatible_p({c}, {kind}), \"{c}\");"));
    };
    for structure in &read.structures {
        for field in &structure.fields {
            let c = format!("__typeof__((({} *)0)->{})", structure.name, field.name);
            same(&c, &field.kind.to_string());
        }
    }
    for alias in &read.aliases {
        same(&alias.name, &alias.kind.to_string());
    }
    for function in &read.function_types {
        let pointer = function.to_string().replacen(&function.name, "(*)", 1);
        same(&function.name, &pointer);
    }
    for handle in &read.handles {
        checks.push(format!("extern struct {handle} *some_{handle};"));
    }
    for constant in &read.constants {
        let name = &constant.name;
        checks.push(match &constant.value {
            Value::Number(number) => {
                let suffix = if *number > i128::from(i64::MAX) { "u" } else { "" };
                format!("_Static_assert({name} == {number}{suffix}, \"{name}\");")
            }
            Value::Text(text) => {
                format!("_Static_assert(sizeof({name}) == sizeof(\"{text}\"), {name});")
            }
        });
    }
    assert!(read.functions.len() > 100 && read.structures.len() > 15, "{checks:?}");
    assert!(read.handles.len() > 8 && read.function_types.len() > 8, "{checks:?}");
    let source = support::scratch("header_read").join("read.c");
    std::fs::write(&source, checks.join("\n") + "\n").unwrap();
    support::run(
        Command::new(support::cc())
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"])
            .arg("-fsyntax-only")
            .arg("-I")
            .arg(support::include())
            .arg(source),
    );
}

/// Parameters through which a call writes are found by their types, and their names say so.
#[test]
fn parameters_that_a_call_writes_through_are_called_so() {
    let read = Header::parse(&generated_header()).unwrap();
    let mut written = 0;
    for function in &read.functions {
        for parameter in &function.parameters {
            let says_so = parameter.name.starts_with("out_")
                || ["buffer", "events", "threads"].contains(&parameter.name.as_str());
            let of = format!("{}: {}", function.name, parameter.name);
            assert_eq!(read.is_out(&parameter.kind), says_so, "{of}");
            written += u32::from(says_so);
        }
    }
    assert!(written > 60, "{written}");
}

/// A parameter for an object or a structure that a call returns is named by the last words of its
/// type: `out_job` for dcc_job, `out_stats` for dcc_session_stats.
#[test]
fn what_goes_out_is_called_as_its_type() {
    let read = Header::parse(&generated_header()).unwrap();
    let mut named = 0;
    for function in &read.functions {
        for parameter in &function.parameters {
            let base = &parameter.kind.base;
            let Some(name) = parameter.name.strip_prefix("out_") else { continue };
            if read.structure(base).is_some() || read.is_handle(base) {
                let of = format!("{}: {}", function.name, parameter.name);
                assert!(base.ends_with(&format!("_{name}")), "{of} of {base}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named}");
}

/// A question returns a bool in C++, so that `if (x)` is right.
#[test]
fn questions_are_bools_in_cpp() {
    let folder = support::include().join("dcc_cancel");
    let mut count = 0;
    for part in [folder.join("adapters"), folder].into_iter().flat_map(|of| of.read_dir().unwrap())
    {
        let part = part.unwrap().path();
        if !part.is_file() {
            continue;
        }
        let source = std::fs::read_to_string(&part).unwrap();
        for line in source.lines() {
            let Some((before, _)) = line.split_once(" is_") else { continue };
            let is_defined = line.contains(") const") || line.contains(") noexcept");
            if is_defined && !before.contains(['=', '(']) {
                let result = before.split_whitespace().last();
                assert_eq!(result, Some("bool"), "{}: {line}", part.display());
                count += 1;
            }
        }
    }
    assert!(count >= 8, "{count}");
}

/// A declaration that the header's reader does not understand fails all tests that use the reader.
#[test]
fn what_cannot_be_read_of_a_header_is_an_error_that_names_it() {
    let refused = [
        ("int32_t dcc_x(struct dcc_unheard_of *x);", "dcc_unheard_of"),
        ("typedef struct dcc_x { long double width; } dcc_x;", "dcc_x"),
        ("typedef union dcc_x { int a; } dcc_x;", "dcc_x"),
        ("#pragma pack(1)", "pragma"),
        ("#define DCC_X (1 << 3)", "DCC_X"),
        ("int32_t dcc_x(int32_t a, ...);", "dcc_x"),
        ("int32_t dcc_x(int32_t a)", "ends in a declaration"),
    ];
    for (source, named) in refused {
        let error = Header::parse(source).expect_err(source);
        assert!(error.contains(named), "{source}: {error}");
    }
}

fn clangs(check: &str) -> Vec<String> {
    let versions = (14..=21).rev().map(|version| format!("clang-{version}"));
    let names = std::iter::once("clang".to_owned()).chain(versions);
    let found: Vec<String> = names.filter(|name| support::exists(name)).collect();
    if found.is_empty() {
        support::skip(check, "no clang is installed");
    }
    found
}

#[test]
#[ignore = "compiles the headers once more"]
fn clang_takes_the_headers_too() {
    for clang in clangs("clang_takes_the_headers_too") {
        compile_all(&clang, &clang);
    }
}

/// Each part of the wrapper includes what it needs.
#[test]
fn the_wrappers_parts_compile_alone() {
    let parts = std::fs::read_dir(support::include().join("dcc_cancel")).unwrap();
    // The adapters in the folder beside them need other libraries.
    let parts: Vec<String> = parts
        .map(|part| part.unwrap().path())
        .filter(|part| part.is_file())
        .map(|part| format!("dcc_cancel/{}", part.file_name().unwrap().display()))
        .collect();
    assert!(parts.len() > 5, "{parts:?}");
    for part in parts {
        compile(&support::cxx(), support::CXX_FLAGS, "c++", &[&part]);
    }
}

#[test]
fn an_older_cpp_is_told_what_the_wrapper_needs() {
    let source = support::scratch("older_cpp").join("source.cpp");
    std::fs::write(&source, "#include \"dcc_cancel.hpp\"\n").unwrap();
    let mut compile = Command::new(support::cxx());
    compile.args(["-std=c++14", "-fsyntax-only", "-I"]).arg(support::include()).arg(source);
    let output = compile.output().expect("the compiler starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = said.lines().find(|line| line.contains("error")).unwrap_or_default();
    assert!(!output.status.success() && first.contains("needs C++17 or newer"), "{said}");
}

/// `dcc_cancel.hpp` includes all parts of the wrapper.
#[test]
fn the_wrapper_includes_each_of_its_parts() {
    let folder = support::include().join("dcc_cancel");
    let included = |path: &Path| -> BTreeSet<String> {
        let source = std::fs::read_to_string(path).unwrap();
        let names = source.lines().filter_map(|line| line.strip_prefix("#include \""));
        names
            .map(|name| name.trim_start_matches("dcc_cancel/").trim_end_matches('"').into())
            .collect()
    };
    let mut reached = included(&support::include().join("dcc_cancel.hpp"));
    let mut next: Vec<String> = reached.iter().cloned().collect();
    while let Some(name) = next.pop() {
        let path = folder.join(&name);
        let further = if path.exists() { included(&path) } else { BTreeSet::new() };
        next.extend(further.difference(&reached).cloned());
        reached.extend(further);
    }
    for part in std::fs::read_dir(folder).unwrap().map(|part| part.unwrap()) {
        let name = part.file_name().into_string().unwrap();
        assert!(part.path().is_dir() || reached.contains(&name), "dcc_cancel.hpp lacks {name}");
    }
    assert!(reached.len() > 40, "{reached:?}");
}

#[test]
fn clang_takes_the_header_for_msvc() {
    let target = ["--target=x86_64-pc-windows-msvc", "-ffreestanding"];
    // The loader's declarations are checked as well; its implementation needs the system's headers.
    let headers = ["dcc_cancel_dl.h", "dcc_cancel.h"];
    for clang in clangs("clang_takes_the_header_for_msvc") {
        for header in headers {
            compile(&clang, &[support::C_FLAGS, &target].concat(), "c", &[header]);
            compile(&clang, &[support::CXX_FLAGS, &target].concat(), "c++", &[header]);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_library_exports_the_headers_functions_and_nothing_else() {
    let listing = support::printed(
        Command::new("nm")
            .args(["-D", "--defined-only", "--format=posix"])
            .arg(support::built_library()),
    );
    let exported: BTreeSet<String> =
        listing.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    let declared: BTreeSet<String> =
        loader_header::function_names(&generated_header()).into_iter().collect();
    assert!(declared.len() > 50, "{declared:?}");
    assert_eq!(exported, declared);
}

#[test]
#[cfg(target_os = "linux")]
fn the_library_has_its_name_and_stays_loaded() {
    let dynamic =
        support::printed(Command::new("readelf").args(["-dW"]).arg(support::built_library()));
    let major = dcc_cancel::ffi::library::DCC_ABI_MAJOR;
    assert!(dynamic.contains(&format!("soname: [libdcc_cancel.so.{major}]")), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    assert!(
        !dynamic.contains("STATIC_TLS"),
        "it could be refused for want of static TLS\n{dynamic}"
    );
}

/// The tables of handles start as zero bits. One non-zero word in them would put all of them, some
/// megabytes, into the file and into each process.
#[test]
#[cfg(target_os = "linux")]
fn the_tables_take_no_room_in_the_file() {
    let sizes = support::printed(Command::new("size").arg("-A").arg(support::built_library()));
    let of = |section: &str| {
        let line = sizes.lines().find(|line| line.split_whitespace().next() == Some(section));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|number| number.parse::<u64>().ok()).unwrap_or_else(|| panic!("{sizes}"))
    };
    assert!(of(".bss") > 1 << 20, "{sizes}");
    assert!(of(".data") < 1 << 16, "{sizes}");
}
