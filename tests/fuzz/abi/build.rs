//! Writes the fuzzer's tables from the header: its types, a call of each function, and the kind of
//! each argument.

#[path = "../../support/c_header.rs"]
mod c_header;
mod generator;

use std::path::Path;

fn main() {
    let header = Path::new("../../../include/dcc_cancel.h");
    for path in [header, Path::new("build.rs"), Path::new("generator.rs")] {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    println!("cargo:rerun-if-changed=../../support/c_header.rs");
    println!("cargo:rerun-if-env-changed=DCC_FUZZ_LIBRARY");
    let text = std::fs::read_to_string(header).expect("the header");
    let header = c_header::Header::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let generated = generator::generate(&header).unwrap_or_else(|error| panic!("{error}"));
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&folder).join("abi.rs"), generated).expect("OUT_DIR is writable");
    if std::env::var_os("CARGO_FEATURE_INSIDE").is_none() {
        let library = std::env::var("DCC_FUZZ_LIBRARY").expect("the folder of libdcc_cancel.so.2");
        println!("cargo:rustc-link-search=native={library}");
        println!("cargo:rustc-link-lib=dylib=dcc_cancel");
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{library}");
    }
}
