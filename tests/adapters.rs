//! The adapters of `include/dcc_cancel/adapters` for libraries that compute and write: each stops that
//! library's own work in the middle, and the same work runs to its end without a cancel.

#![cfg(target_os = "linux")]

#[path = "support/adapters.rs"]
mod adapters;
#[path = "support/built_once.rs"]
mod built_once;
mod support;

use adapters::{Adapter, pkg_config};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn tbb() {
    Adapter {
        name: "tbb",
        header: "oneapi/tbb/task_group.h",
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
        header: "OpenImageIO/imageio.h",
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
        header: "embree3/rtcore.h",
        package: "libembree-dev",
        compile: vec![],
        link: words(&["-lembree3"]),
    }
    .stops_by_a_cancel();
}

#[test]
fn openvdb() {
    Adapter {
        name: "openvdb",
        header: "openvdb/openvdb.h",
        package: "libopenvdb-dev and libboost-dev",
        compile: vec![],
        link: words(&["-lopenvdb", "-ltbb", "-lImath"]),
    }
    .stops_by_a_cancel();
}
