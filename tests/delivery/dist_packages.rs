//! The archive for Linux as a package of Debian's and of RPM's, made by their own tools and installed by them
//! below an empty folder. `.ci/archives` runs this.

// It makes the archive by two release builds.
#![cfg(all(target_os = "linux", target_arch = "x86_64", dcc_archives))]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/unpacked.rs"]
mod unpacked;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, root, run, scratch};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn archive() -> &'static Path {
    static UNPACKED: OnceLock<[PathBuf; 2]> = OnceLock::new();
    &UNPACKED.get_or_init(|| unpacked::tar("linux-x86_64"))[0]
}

/// Files and links below a folder, from there.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut find = Command::new("find");
    find.current_dir(folder).args(["!", "-type", "d", "-printf", "%P\n"]);
    printed(&mut find).lines().map(str::to_owned).collect()
}

/// That `system` has all files of the archive below `usr`, but for some that are elsewhere. A program is
/// compiled and run with them.
fn assert_is_installed(system: &Path, elsewhere: &[&str]) {
    let there = files(&system.join("usr"));
    for file in files(archive()).iter().filter(|file| !elsewhere.contains(&&***file)) {
        assert!(there.contains(file), "no {file} in {there:#?}");
        let [from, to] = [archive(), &system.join("usr")].map(|at| fs::read(at.join(file)));
        assert!(from.unwrap() == to.unwrap(), "{file} is another");
    }
    let libraries = system.join("usr/lib");
    let pkg_config = if system.join("usr/lib/pkgconfig").exists() { "lib" } else { "share" };
    let flags = printed(
        Command::new("pkg-config")
            .env("PKG_CONFIG_PATH", system.join("usr").join(pkg_config).join("pkgconfig"))
            .args(["--cflags", "--libs", "dcc_cancel"]),
    );
    let program = system.join("cancelled");
    run(Command::new(support::cxx())
        .arg("-std=c++17")
        .arg(root().join("packaging/conan/test_package/cancelled.cpp"))
        .args(flags.split_whitespace())
        .args(["-pthread", "-o"])
        .arg(&program));
    let said = printed(Command::new(program).env("LD_LIBRARY_PATH", &libraries));
    let expected = format!("cancelled after 4 of the steps: dcc-cancel {VERSION} ");
    assert!(said.starts_with(&expected), "{said}");
    let asks = "import dcc_cancel; print(dcc_cancel.version())";
    let mut python = Command::new("python3");
    python.args(["-c", asks]).env("PYTHONPATH", system.join("usr/share/dcc_cancel/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("DCC_CANCEL_LIBRARY");
    assert!(printed(&mut python).starts_with(&format!("dcc-cancel {VERSION} ")));
    let tool = printed(Command::new(system.join("usr/bin/dcc-control")).arg("--version"));
    assert!(tool.contains(VERSION), "{tool}");
}

/// Makes the package for Debian of a folder.
fn debian(prefix: &Path, folder: &Path) -> Command {
    let mut build = Command::new(root().join("packaging/debian/build.sh"));
    build.arg(prefix).arg("amd64").arg(folder);
    build.env("SOURCE_DATE_EPOCH", "1700000000").env_remove("DEBEMAIL");
    build
}

#[test]
fn debians_package_is_installed_and_removed_by_dpkg() {
    let check = "debians_package_is_installed_and_removed_by_dpkg";
    if !support::exists("dpkg-deb") {
        return support::skip(check, "no dpkg-deb (Debian: dpkg)");
    }
    let folder = scratch("debian");
    let package = folder.join(format!("dcc-cancel_{VERSION}_amd64.deb"));
    run(&mut debian(archive(), &folder));
    let first = fs::read(&package).unwrap();
    run(&mut debian(archive(), &folder));
    assert!(fs::read(&package).unwrap() == first, "other bytes the second time");

    let fields = printed(Command::new("dpkg-deb").arg("-I").arg(&package));
    let version = format!("Version: {VERSION}");
    for field in ["Package: dcc-cancel", &version, "Architecture: amd64", "Depends: libc6 (>= 2."] {
        assert!(fields.contains(&format!("\n {field}")), "no {field} in {fields}");
    }
    let glibc: u32 =
        archives::after(&fields, "libc6 (>= 2.")[0].trim_end_matches(')').parse().unwrap();
    archives::assert_needs_at_most(&archive().join("lib/libdcc_cancel.so.2"), [2, glibc]);
    assert!(glibc <= 28, "{fields}");
    for line in printed(Command::new("dpkg-deb").arg("-c").arg(&package)).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let modes = ["drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"];
        assert!(modes.contains(&words[0]) && words[1] == "root/root", "{line}");
        assert!(!words[0].starts_with('d') || words[5].starts_with("./"), "{line}");
    }

    // A system that has nothing, not even what the package depends on.
    let system = folder.join("system");
    fs::create_dir_all(system.join("var/lib/dpkg/info")).unwrap();
    fs::create_dir_all(system.join("var/lib/dpkg/updates")).unwrap();
    fs::write(system.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = || {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", system.display())).arg("--force-depends");
        dpkg
    };
    run(dpkg().arg("--install").arg(&package));
    assert_is_installed(&system, &[]);
    assert!(system.join("usr/share/doc/dcc-cancel/copyright").is_file());
    run(dpkg().args(["--purge", "dcc-cancel"]));
    assert!(!system.join("usr/lib").exists() && !system.join("usr/bin").exists());

    // What is no archive is told by name.
    let output = debian(&folder.join("nothing"), &folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("is no unpacked archive"), "{said}");
}

#[test]
fn rpms_package_is_installed_by_rpm() {
    let check = "rpms_package_is_installed_by_rpm";
    if !support::exists("rpmbuild") {
        return support::skip(check, "no rpmbuild (Debian: rpm)");
    }
    let folder = scratch("rpm");
    run(Command::new("rpmbuild")
        .arg("-bb")
        .arg(root().join("packaging/rpm/dcc-cancel.spec"))
        .arg("--define")
        .arg(format!("_topdir {}", folder.display()))
        .arg("--define")
        .arg(format!("archive {}", archive().display())));
    let package = folder.join(format!("RPMS/x86_64/dcc-cancel-{VERSION}-1.x86_64.rpm"));
    let needs = printed(Command::new("rpm").args(["-qp", "--requires"]).arg(&package));
    assert!(needs.contains("libc.so.6(GLIBC_2.28)(64bit)"), "{needs}");
    assert!(!needs.contains("pkg-config"), "{needs}");
    let gives = printed(Command::new("rpm").args(["-qp", "--provides"]).arg(&package));
    assert!(gives.contains("libdcc_cancel.so.2()(64bit)"), "{gives}");
    let owners =
        printed(Command::new("rpm").args(["-qp", "--qf", "[%{FILEUSERNAME}\n]"]).arg(&package));
    assert!(owners.lines().all(|owner| owner == "root"), "{owners}");

    let system = folder.join("system");
    fs::create_dir_all(&system).unwrap();
    run(Command::new("rpm")
        .arg(format!("--root={}", system.display()))
        .args(["--install", "--nodeps", "--noscripts"])
        .arg(&package));
    assert_is_installed(&system, &["lib/pkgconfig/dcc_cancel.pc"]);
    let told = fs::read_to_string(system.join("etc/ld.so.conf.d/dcc-cancel.conf")).unwrap();
    assert_eq!(told, "/usr/lib\n");
}
