//! The adapters of `include/dcc_cancel/adapters` for libraries that compute, transfer and store. A
//! cancel stops each library's own work in the middle; without a cancel the same work runs to its
//! end.

#![cfg(target_os = "linux")]

#[path = "../support/adapters.rs"]
mod adapters;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mod.rs"]
mod support;

use adapters::{Adapter, pkg_config};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn tbb() {
    Adapter {
        name: "tbb",
        headers: &["oneapi/tbb/task_group.h"],
        package: "libtbb-dev",
        compile: pkg_config("--cflags", "tbb"),
        link: words(&["-ltbb"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn openimageio() {
    Adapter {
        name: "openimageio",
        headers: &["OpenImageIO/imageio.h"],
        package: "libopenimageio-dev",
        compile: pkg_config("--cflags", "OpenImageIO"),
        link: words(&["-lOpenImageIO", "-lOpenImageIO_Util"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn embree() {
    Adapter {
        name: "embree",
        headers: &["embree3/rtcore.h"],
        package: "libembree-dev",
        compile: vec![],
        link: words(&["-lembree3"]),
    }
    .stops_by_a_cancel();
}

#[test]
#[ignore = "a minute of compiling"]
fn openvdb() {
    Adapter {
        name: "openvdb",
        headers: &["openvdb/openvdb.h"],
        package: "libopenvdb-dev and libboost-dev",
        compile: vec![],
        link: words(&["-lopenvdb", "-ltbb", "-lImath"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn curl() {
    Adapter {
        name: "curl",
        headers: &["curl/curl.h"],
        package: "libcurl4-openssl-dev",
        compile: pkg_config("--cflags", "libcurl"),
        link: words(&["-lcurl"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn curl_connecting() {
    Adapter {
        name: "curl_connecting",
        headers: &["curl/curl.h"],
        package: "libcurl4-openssl-dev",
        compile: pkg_config("--cflags", "libcurl"),
        link: words(&["-lcurl", "-ldl"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn sqlite() {
    Adapter {
        name: "sqlite",
        headers: &["sqlite3.h"],
        package: "libsqlite3-dev",
        compile: vec![],
        link: words(&["-lsqlite3"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn sqlite_locks() {
    Adapter {
        name: "sqlite_locks",
        headers: &["sqlite3.h"],
        package: "libsqlite3-dev",
        compile: vec![],
        link: words(&["-lsqlite3"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn without_exceptions() {
    Adapter {
        name: "without_exceptions",
        headers: &["curl/curl.h", "embree3/rtcore.h", "sqlite3.h"],
        package: "libcurl4-openssl-dev, libembree-dev or libsqlite3-dev",
        compile: words(&["-fno-exceptions", "-fno-rtti"]),
        link: words(&["-lcurl", "-lsqlite3", "-lembree3"]),
    }
    .stops_by_a_cancel();
}
