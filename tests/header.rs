//! `include/dcc_cancel.h` and `include/dcc_cancel_dl.h` are what the sources say.
//!
//! `DCC_UPDATE_HEADERS=1 cargo test --test header` writes them anew.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The header as the sources have it now.
fn generated_header() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in ["status", "token", "job", "current", "poll", "context", "stats", "library"] {
        builder = builder.with_src(root().join(format!("src/ffi/{name}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().expect("the sources parse").write(&mut text);
    let text = String::from_utf8(text).unwrap();
    let text = text.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    // Loaders that fill a table of functions take the types without the prototypes.
    let prototypes = "#ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\n";
    let end = "#ifdef __cplusplus\n}  // extern \"C\"\n#endif  // __cplusplus\n";
    assert_eq!(text.matches(prototypes).count(), 1, "{text}");
    assert_eq!(text.matches(end).count(), 1, "{text}");
    // The inlined poll belongs inside the include guard, which cbindgen closes before it.
    let guard_end = "#endif  /* DCC_CANCEL_H */\n";
    assert_eq!(text.matches(guard_end).count(), 1, "{text}");
    let text = format!("{}\n#endif /* DCC_CANCEL_H */\n", text.replace(guard_end, "").trim_end());
    text.replace(
        prototypes,
        "#ifndef DCC_CANCEL_NO_PROTOTYPES\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n",
    )
    .replace(
        end,
        "#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n#endif /* DCC_CANCEL_NO_PROTOTYPES */\n",
    )
}

fn check_or_update(path: &Path, fresh: &str) {
    if std::env::var_os("DCC_UPDATE_HEADERS").is_some() {
        std::fs::write(path, fresh).unwrap();
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
