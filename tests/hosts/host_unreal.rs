//! The plugin of `examples/hosts/unreal`: its jobs in a stand-in of the editor, and its build files.
//! Its bridge is tested in `host_unreal_bridge`.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/unreal.rs"]
mod unreal;
#[path = "../support/unreal_rules.rs"]
mod unreal_rules;

use build_tools::{cmake, tool};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use support::{root, run, scratch};
use unreal::{Variant, driver, module_sources};
use unreal_rules::rules;

/// The output of the driver for one of its scenarios.
fn driven(test: &str, variant: Variant, scenario: &str) -> Option<Output> {
    let folder = scratch(test);
    Some(driver(test, variant, &folder)?.arg(scenario).output().unwrap())
}

/// Checks that the driver found nothing wrong, and shows its figures.
fn assert_passes(test: &str, scenario: &str) -> bool {
    let Some(output) = driven(test, Variant::Shipped, scenario) else { return false };
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{printed}{complaints}", output.status);
    support::show(&printed);
    true
}

#[test]
fn esc_in_a_slow_task_stops_its_job() {
    let test = "esc_in_a_slow_task_stops_its_job";
    if !assert_passes(test, "esc") {
        return;
    }
    let unpolled = driven(test, Variant::WithoutPoll, "esc").unwrap();
    let complaints = String::from_utf8_lossy(&unpolled.stderr);
    assert_eq!(unpolled.status.code(), Some(1), "{}\n{complaints}", unpolled.status);
    assert!(complaints.contains("expected was_stopped"), "{complaints}");
}

#[test]
fn slices_keep_to_the_budget_of_a_tick() {
    assert_passes("slices_keep_to_the_budget_of_a_tick", "budget");
}

#[test]
fn a_cancelled_coroutine_takes_back_what_it_shows() {
    assert_passes("a_cancelled_coroutine_takes_back_what_it_shows", "preview");
}

#[test]
fn the_module_is_unloaded_while_jobs_run_and_loaded_again() {
    assert_passes("the_module_is_unloaded_while_jobs_run_and_loaded_again", "unload");
}

/// The code for Windows, which is not compiled above, compiles against the same stand-ins.
#[test]
fn what_is_for_windows_compiles() {
    let tests = root().join("tests/hosts/unreal");
    for source in ["CancellableJobsModule.cpp", "JobBridgeSecret.cpp"] {
        run(Command::new(support::cxx())
            .args(support::CXX_FLAGS)
            .args(unreal::MODULE_FLAGS)
            .args(["-DPLATFORM_WINDOWS=1", "-fsyntax-only", "-I"])
            .arg(tests.join("stand_in"))
            .arg("-I")
            .arg(support::include())
            .arg(module_sources().join(source)));
    }
}

/// Unreal compiles many sources of a module as one file.
#[test]
fn the_sources_compile_as_one() {
    let folder = scratch("the_sources_compile_as_one");
    let mut sources: Vec<_> = std::fs::read_dir(module_sources())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
        .collect();
    sources.sort();
    assert!(sources.len() > 3, "{sources:?}");
    let unity: String =
        sources.iter().map(|path| format!("#include \"{}\"\n", path.display())).collect();
    let file = folder.join("Module.CancellableJobs.cpp");
    std::fs::write(&file, unity).unwrap();
    run(Command::new(support::cxx())
        .args(support::CXX_FLAGS)
        .args(unreal::MODULE_FLAGS)
        .args(["-fsyntax-only", "-I"])
        .arg(root().join("tests/hosts/unreal/stand_in"))
        .arg("-I")
        .arg(module_sources())
        .arg("-I")
        .arg(support::include())
        .arg(file));
}

#[test]
fn the_plugins_description_names_its_module() {
    let text =
        std::fs::read_to_string(root().join("examples/hosts/unreal/CancellableJobs.uplugin"))
            .unwrap();
    let plugin: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plugin["FileVersion"], 3);
    let module = &plugin["Modules"][0];
    assert_eq!((&module["Name"], &module["Type"]), (&json!("CancellableJobs"), &json!("Editor")));
    for rules in ["CancellableJobs/CancellableJobs", "ThirdParty/DccCancel/DccCancel"] {
        let rules = root().join(format!("examples/hosts/unreal/Source/{rules}.Build.cs"));
        let class = rules.file_name().unwrap().to_str().unwrap().strip_suffix(".Build.cs").unwrap();
        let text = std::fs::read_to_string(&rules).unwrap();
        assert!(text.contains(&format!("public class {class} : ModuleRules")), "{class}");
        assert!(text.contains(&format!("public {class}(ReadOnlyTargetRules")), "{class}");
    }
}

#[test]
fn the_build_rules_name_what_cmake_installs() {
    let test = "the_build_rules_name_what_cmake_installs";
    if !support::exists("mcs") || !support::exists("mono") {
        return support::skip(test, "no mono-mcs and mono-runtime");
    }
    let folder = scratch(test);
    let program = unreal_rules::compile(&folder);

    let named = rules(&program, "CancellableJobs", &folder, "Linux");
    assert!(named.contains(&("standard".to_owned(), "Cpp20".to_owned())), "{named:?}");
    for module in ["Core", "Json", "Networking", "Sockets", "Projects", "DccCancel"] {
        assert!(named.contains(&("module".to_owned(), module.to_owned())), "{named:?}");
    }

    // If the library is missing, the rules say where they looked.
    let missing = Command::new("mono")
        .arg(&program)
        .args(["DccCancel", "Linux"])
        .arg(&folder)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&missing.stdout).into_owned();
    assert!(
        !missing.status.success() && complaints.contains("is not installed in"),
        "{complaints}"
    );

    // The library is installed as the first lines of the rules say.
    let (build, third_party) = (folder.join("build"), folder.join("DccCancel"));
    let library = format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display());
    cmake(&root(), &build, &[library, "-DCMAKE_INSTALL_LIBDIR=lib".to_owned()]);
    let prefix = third_party.join("Linux");
    run(tool("cmake").arg("--install").arg(&build).arg("--prefix").arg(&prefix));
    let named = rules(&program, "DccCancel", &third_party, "Linux");
    let expected = [
        ("type", "External".to_owned()),
        ("include", prefix.join("include").display().to_string()),
        ("library", prefix.join("lib/libdcc_cancel.so").display().to_string()),
        ("stage", "$(BinaryOutputDir)/libdcc_cancel.so.2".to_owned()),
        ("from", prefix.join("lib/libdcc_cancel.so.2").display().to_string()),
    ];
    assert_eq!(named, expected.clone().map(|(what, value)| (what.to_owned(), value)));
    for (what, value) in expected {
        assert!(what == "type" || what == "stage" || Path::new(&value).exists(), "{value}");
    }
    assert!(prefix.join("include/dcc_cancel.hpp").exists());

    // The files for other platforms have the names under which CMake installs them.
    let cmake = std::fs::read_to_string(root().join("CMakeLists.txt")).unwrap();
    let installs = std::fs::read_to_string(root().join("cmake/install.cmake")).unwrap();
    let major = dcc_cancel::ffi::library::DCC_ABI_MAJOR;
    for (platform, part, files) in [
        ("Win64", "if(WIN32)", ["lib/dcc_cancel.lib", "bin/dcc_cancel.dll", "dcc_cancel.dll"]),
        (
            "Mac",
            "elseif(APPLE)",
            ["lib/libdcc_cancel.dylib", "lib/libdcc_cancel.2.dylib", "libdcc_cancel.2.dylib"],
        ),
    ] {
        let include = third_party.join(platform).join("include");
        std::fs::create_dir_all(&include).unwrap();
        std::fs::write(include.join("dcc_cancel.hpp"), "").unwrap();
        let named = rules(&program, "DccCancel", &third_party, platform);
        let value = |what: &str| named.iter().find(|(name, _)| name == what).unwrap().1.clone();
        let placed = |file: &str| third_party.join(platform).join(file).display().to_string();
        assert_eq!(value("library"), placed(files[0]));
        assert_eq!(value("from"), placed(files[1]));
        assert_eq!(value("stage"), format!("$(BinaryOutputDir)/{}", files[2]));
        let shared = cmake.split_once(part).unwrap().1;
        let shared = shared.split_once("DCC_CANCEL_SHARED_NAME \"").unwrap().1;
        let shared = shared.split_once('"').unwrap().0;
        assert_eq!(shared.replace("${DCC_CANCEL_ABI_MAJOR}", &major.to_string()), files[2]);
        if platform == "Win64" {
            assert!(installs.contains("set(DCC_CANCEL_IMPORT_NAME \"dcc_cancel.lib\")"));
            assert_eq!(value("delayed"), files[2]);
        }
    }
}
