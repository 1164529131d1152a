//! Gives the linker the arguments for the shared library, and the sources facts about their build.
//! It generates no file: a test makes the header and checks it.

use std::path::Path;
use std::{env, fs};

/// The major version of the ABI, a part of the SONAME. `src/ffi/library.rs` asserts the same number.
const ABI_MAJOR: u32 = 2;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=Cargo.toml");
    println!("cargo::rustc-check-cfg=cfg(tls_descriptor)");

    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let family = env::var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    let libc = env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    let machine = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();

    let shared_name = match os.as_str() {
        "macos" | "ios" => format!("libdcc_cancel.{ABI_MAJOR}.dylib"),
        "windows" => "dcc_cancel.dll".to_owned(),
        _ => format!("libdcc_cancel.so.{ABI_MAJOR}"),
    };
    if os == "macos" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/{shared_name}");
    } else if family == "unix" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{shared_name}");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }

    let plain =
        env::var_os("CARGO_CFG_DCC_PLAIN_TLS").is_some() || env::var_os("CARGO_CFG_LOOM").is_some();
    if os == "linux" && machine == "x86_64" && libc == "gnu" && !plain {
        println!("cargo::rustc-cfg=tls_descriptor");
    }

    println!("cargo::rustc-env=DCC_ABI_MAJOR={ABI_MAJOR}");
    println!("cargo::rustc-env=DCC_SHARED_NAME={shared_name}");
    println!("cargo::rustc-env=DCC_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rustc-env=DCC_BUILD_ID={:016x}", fingerprint());
}

/// A number that changes with the sources and the profile. Tests compare it with the number that a
/// loaded library reports, so that no test passes with a library of an earlier build.
fn fingerprint() -> u64 {
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files);
    files.push("Cargo.toml".into());
    files.push("build.rs".into());
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for variable in ["TARGET", "PROFILE", "OPT_LEVEL"] {
        add(env::var(variable).unwrap_or_default().as_bytes());
    }
    // The folder of the sources must not change the number.
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    for flag in flags.split('\x1f').filter(|flag| !flag.starts_with("--remap-path-prefix")) {
        add(flag.as_bytes());
    }
    for file in files {
        add(file.to_string_lossy().as_bytes());
        add(&fs::read(&file).unwrap_or_default());
    }
    hash
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
