//! GIMP with a folder of its own, in which there is nothing but `examples/hosts/gimp` and what scripts
//! and files need: it starts in a second, and the user's own is not touched.

use super::support;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// More than any step takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// What every script uses.
const PRELUDE: &str = r#"
    (define (say text) (gimp-message text))
    (define (load file) (car (gimp-file-load 1 file file)))
    (define (layer-of image) (car (gimp-image-get-active-drawable image)))
    (define (save image file) (file-ppm-save 1 image (layer-of image) file file 1))
    (define (say-changes image)
        (say (if (= FALSE (car (gimp-image-is-dirty image))) "unchanged" "changed")))
    (define (smooth run-mode image iterations time-limit)
        (gimp-image-clean-all image)
        (say (if (car (plug-in-dcc-smooth run-mode image (layer-of image) iterations time-limit))
            "completed" "not completed"))
        (say-changes image))
"#;

/// A folder of GIMP's with the plug-in.
pub struct Gimp {
    folder: PathBuf,
    preloaded: PathBuf,
}

/// The words that `pkg-config` prints; none where GIMP's headers are not installed.
fn pkg_config(what: &str) -> Vec<String> {
    let output = Command::new("pkg-config").args([what, "gimp-2.0"]).output();
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    // Include folders of others, in whose headers our warnings are off.
    let words = String::from_utf8_lossy(&printed).replace("-I", "-isystem");
    words.split_whitespace().map(str::to_owned).collect()
}

/// Whether all is there; says so if not.
pub fn is_installed(test: &str) -> bool {
    if pkg_config("--cflags").is_empty() || !support::exists("gimp-console") {
        support::skip(test, "no gimp and libgimp2.0-dev");
        return false;
    }
    true
}

fn compiler() -> Command {
    let mut compiler = Command::new(support::cc());
    compiler.args(support::C_FLAGS).args(["-Wconversion", "-O2", "-I"]).arg(support::include());
    compiler
}

impl Gimp {
    /// Builds the plug-in, as its author has it or changed by `edit`, and a folder for GIMP around it.
    pub fn with_plug_in(name: &str, edit: impl Fn(&str, String) -> String) -> Self {
        let folder = support::scratch(name);
        let example = support::root().join("examples/hosts/gimp");
        let sources = folder.join("sources");
        let plug_in = folder.join("plug-ins/dcc-smooth");
        // Where GIMP wants to write on its end.
        for made in [&sources, &plug_in, &folder.join("gradients"), &folder.join("home")] {
            std::fs::create_dir_all(made).unwrap();
        }
        for file in ["dcc-smooth.c", "plug-in-job.c", "plug-in-job.h", "smooth.c", "smooth.h"] {
            let text = std::fs::read_to_string(example.join(file)).unwrap();
            std::fs::write(sources.join(file), edit(file, text)).unwrap();
        }
        support::staged_library(&plug_in);
        support::run(
            compiler()
                .args(pkg_config("--cflags"))
                .args(["dcc-smooth.c", "plug-in-job.c", "smooth.c"].map(|file| sources.join(file)))
                .arg("-L")
                .arg(&plug_in)
                .arg("-ldcc_cancel")
                .args(pkg_config("--libs"))
                .args(["-Wl,-rpath,$ORIGIN", "-o"])
                .arg(plug_in.join("dcc-smooth")),
        );
        let preloaded = folder.join("half-way.so");
        support::run(
            compiler()
                .args(["-shared", "-fPIC", "-Wl,-z,lazy"])
                .arg(support::root().join("tests/hosts/gimp/half-way.c"))
                .arg("-o")
                .arg(&preloaded),
        );
        let theirs = Command::new("pkg-config")
            .args(["--variable=gimplibdir", "gimp-2.0"])
            .output()
            .map(|output| String::from_utf8(output.stdout).unwrap())
            .unwrap();
        for used in ["script-fu", "file-pnm"] {
            let from = Path::new(theirs.trim()).join("plug-ins").join(used);
            std::os::unix::fs::symlink(from, folder.join("plug-ins").join(used)).unwrap();
        }
        let paths = ["plug-in-path", "swap-path", "temp-path"];
        let settings = paths.map(|path| {
            let inside = if path == "plug-in-path" { "/plug-ins" } else { "" };
            format!("({path} \"${{gimp_dir}}{inside}\")\n")
        });
        std::fs::write(folder.join("gimprc"), settings.concat()).unwrap();
        Self { folder, preloaded }
    }

    /// The path of a file in its folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Starts GIMP without its interface; it runs each of these scripts, in Script-Fu, and quits.
    pub fn run(&self, scripts: &[&str]) -> Running {
        let mut command = Command::new("gimp-console");
        command.arg("--no-interface");
        self.start(command, scripts)
    }

    /// As `run`, with its interface on an X display.
    pub fn show(&self, display: &str, scripts: &[&str]) -> Running {
        let mut command = Command::new("gimp");
        command.args(["--no-splash", "--console-messages"]).env("DISPLAY", display);
        self.start(command, scripts)
    }

    fn start(&self, mut command: Command, scripts: &[&str]) -> Running {
        command.args(["--new-instance", "--no-data", "--no-fonts"]);
        command.args(["--batch-interpreter", "plug-in-script-fu-eval"]);
        for script in scripts {
            command.arg("--batch").arg(format!("{PRELUDE} {script}"));
        }
        command
            .args(["--batch", "(gimp-quit TRUE)"])
            .current_dir(&self.folder)
            .env("GIMP2_DIRECTORY", &self.folder)
            .env("HOME", self.folder.join("home"))
            .env("LC_ALL", "C")
            .env("LD_PRELOAD", &self.preloaded)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for theirs in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env_remove(theirs);
        }
        let mut process = support::with_own_libraries(&mut command).spawn().unwrap();
        let stream = process.stderr.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running { process, lines, printed: String::new() }
    }
}

/// GIMP at work; killed with this.
pub struct Running {
    process: Child,
    lines: Receiver<String>,
    printed: String,
}

impl Running {
    /// Waits for a line that has this in it, and gives the rest of that line.
    pub fn until(&mut self, text: &str) -> String {
        let end = Instant::now() + LONG;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("GIMP did not print {text:?} but:\n{}", self.printed)
            };
            self.printed += &format!("{line}\n");
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    /// Waits for what a script says; fails if it says another of its words.
    pub fn says(&mut self, text: &str) {
        assert_eq!(self.until("script-fu-Warning: "), text, "{}", self.printed);
    }

    /// The process of the plug-in, as soon as half of its work is done.
    pub fn half_way(&mut self) -> u32 {
        self.until("half-way: process ").parse().unwrap()
    }

    /// GIMP's own process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Waits until GIMP and all of its plug-ins are gone; all that they printed.
    pub fn end(mut self) -> (ExitStatus, String) {
        let end = Instant::now() + LONG;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.printed += &format!("{line}\n"),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("something of GIMP still runs; it printed\n{}", self.printed),
            }
        }
        (self.process.wait().unwrap(), std::mem::take(&mut self.printed))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process, by the signal's name.
pub fn send(signal: &str, process: u32) {
    support::run(Command::new("kill").args(["-s", signal, &process.to_string()]));
}

/// Prints a figure, not through `println!`, which tests capture.
pub fn figure(text: &str) {
    let _ = writeln!(std::io::stderr(), "FIGURE {text}");
}
