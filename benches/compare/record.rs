//! The figures as a file, from which pictures are drawn: `docs/costs/figures.tsv`, one line for
//! each figure, with fields separated by tabs. `tests/costs/figures.rs` reads it.

use super::figures::Figures;
use super::support;

const ABOUT: &str =
    "# Written by `cargo bench --bench compare -- record`; tests/costs/pictures.rs draws it.\n";

/// The figures that were measured so far.
#[derive(Default)]
pub struct Record {
    facts: String,
    lines: String,
}

impl Record {
    /// Notes the machine, the compilers, or something that may have spoilt the figures.
    pub fn fact(&mut self, name: &str, what: &str) {
        self.facts += &format!("fact\t{name}\t{what}\n");
    }

    pub fn part(&mut self, title: &str) {
        self.lines += &format!("part\t{title}\n");
    }

    pub fn row(&mut self, work: &str, peer: &str, figures: &Figures, target: Option<f64>) {
        let Figures { ratio, quartiles: [low, high], rounds, times, own } = figures;
        let target = target.map_or(String::new(), |target| target.to_string());
        self.lines += &format!(
            "row\t{work}\t{peer}\t{ratio:.4}\t{low:.4}\t{high:.4}\t{rounds}\t{times}\t{own:.2}\t{target}\n"
        );
    }

    /// Adds a line that a program printed in the file's form.
    pub fn line(&mut self, line: &str) {
        self.lines += line;
        self.lines.push('\n');
    }

    pub fn write(&self) {
        let folder = support::root().join("docs/costs");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("figures.tsv");
        std::fs::write(&path, [ABOUT, &self.facts, &self.lines].concat()).unwrap();
        println!("wrote {}", path.display());
    }
}
