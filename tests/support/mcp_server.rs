//! Builds the servers of `examples/mcp_server` and `examples/mcp_tools`, and runs them over HTTP.

use super::{python_venv::venv, support};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A version of the official SDK for Python.
#[derive(Clone, Copy, PartialEq)]
#[allow(dead_code, reason = "each test uses a part of it")]
pub enum Sdk {
    /// 1.30.0
    One,
    /// 2.3.0
    Two,
    /// 2.3.0 with FastMCP 4.2.3
    Fast,
    /// The same with FastMCP 4.1.4, the latest version whose support for tasks is in the registry.
    FastTasks,
}

/// A server whose tools run in the plugin.
#[derive(Clone, Copy, PartialEq)]
#[allow(dead_code, reason = "each test uses a part of it")]
pub enum Server {
    /// `examples/mcp_server`, which sees the messages itself.
    Messages(Sdk),
    /// `examples/mcp_tools` with FastMCP.
    FastMcp,
    /// `examples/mcp_tools` with the SDK's MCPServer.
    Sdk,
}

impl From<Sdk> for Server {
    fn from(sdk: Sdk) -> Self {
        Self::Messages(sdk)
    }
}

impl Sdk {
    /// An interpreter that has this SDK.
    pub fn python(self) -> PathBuf {
        let (name, requirements) = match self {
            Self::One => ("mcp-1.30.0", include_str!("../clients/python/mcp-1.30.0.txt")),
            Self::Two => ("mcp-2.3.0", include_str!("../clients/python/mcp-2.3.0.txt")),
            Self::Fast => ("fastmcp-4.2.3", include_str!("../clients/python/fastmcp-4.2.3.txt")),
            Self::FastTasks => {
                ("fastmcp-tasks-4.1.4", include_str!("../clients/python/fastmcp-tasks-4.1.4.txt"))
            }
        };
        venv(name, &requirements.lines().collect::<Vec<_>>()).join("bin/python")
    }
}

/// A command that is killed with all its children if it hangs, even after its test was killed.
pub fn limited(program: &Path) -> Command {
    let mut command = support::limited(program);
    support::with_own_libraries(&mut command);
    command
}

fn plugin() -> &'static Path {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        let program = std::env::current_exe().unwrap();
        let name = program.file_stem().unwrap().to_string_lossy();
        let folder = support::scratch(&format!("bake_plugin-{name}"));
        support::staged_library(&folder);
        let plugin = folder.join("libbake_plugin.so");
        support::run(
            Command::new(support::cxx())
                .args(support::CXX_FLAGS)
                .args(["-O2", "-fPIC", "-shared", "-I"])
                .arg(support::include())
                .arg(support::root().join("examples/mcp_server/bake_plugin.cpp"))
                .arg("-L")
                .arg(&folder)
                .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
                .arg(&plugin),
        );
        plugin
    })
}

/// The command that starts the server over standard input and output.
pub fn stdio_command(server: impl Into<Server>) -> Vec<PathBuf> {
    let (sdk, script, named) = match server.into() {
        Server::Messages(sdk) => (sdk, "examples/mcp_server/server.py", None),
        Server::FastMcp => (Sdk::Fast, "examples/mcp_tools/server.py", Some("fastmcp")),
        Server::Sdk => (Sdk::Two, "examples/mcp_tools/server.py", Some("mcp")),
    };
    // -B: Python writes no caches beside the sources.
    let mut command = vec![sdk.python(), "-B".into(), support::root().join(script)];
    command.extend(named.into_iter().flat_map(|name| ["--sdk".into(), name.into()]));
    command.extend(["--plugin".into(), plugin().to_owned()]);
    command
}

/// A server over streamable HTTP; dropping this ends it.
pub struct HttpServer {
    process: Child,
    /// The server's address.
    pub url: String,
}

impl HttpServer {
    /// Starts a server on a free port; its output goes to `log`.
    pub fn start(server: impl Into<Server>, log: &Path) -> Self {
        let command = stdio_command(server);
        let mut process = limited(&command[0])
            .args(&command[1..])
            .args(["--http", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let server = Self { process, url: url.trim().to_owned() };
        let said = std::fs::read_to_string(log).unwrap();
        assert!(server.url.starts_with("http://"), "the server said {:?}\n{said}", server.url);
        server
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // `timeout` passes SIGTERM on to the program that it runs. It could not pass SIGKILL on.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
