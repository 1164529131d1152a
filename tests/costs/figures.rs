//! The figures of a whole `cargo bench`, as `benches/compare/record.rs` writes them: one line for
//! each figure, with fields separated by tabs.

/// The measured figures, and where they were measured.
#[derive(Debug, Default)]
pub struct Figures {
    /// Names and values: the machine, the compilers, and whether other programs were running.
    pub facts: Vec<[String; 2]>,
    pub parts: Vec<Part>,
}

/// A part of the benchmark.
#[derive(Debug, Default)]
pub struct Part {
    pub title: String,
    pub rows: Vec<Row>,
    pub histograms: Vec<Histogram>,
}

/// A piece of work and its peer.
#[derive(Debug)]
pub struct Row {
    pub work: String,
    pub peer: String,
    /// The median over the rounds.
    pub ratio: f64,
    pub quartiles: [f64; 2],
    /// The nanoseconds that a call of the library takes.
    pub own: f64,
    /// The largest ratio that is wanted.
    pub target: Option<f64>,
}

/// How often a piece of work took how long.
#[derive(Debug)]
pub struct Histogram {
    pub work: String,
    pub peer: String,
    pub places: Vec<Place>,
}

/// A place of a histogram: the times below this many nanoseconds, from the limit of the place
/// before on.
#[derive(Debug)]
pub struct Place {
    pub below: f64,
    pub own: f64,
    pub peer: f64,
}

impl Part {
    /// The compiler of the program that called the library.
    pub fn compiler(&self) -> &str {
        match self.title.split_once("built by ") {
            Some((_, compiler)) if compiler.contains("clang") => "clang++",
            Some(_) => "g++",
            None => "Rust",
        }
    }
}

impl Row {
    /// The nanoseconds that a call of the peer takes, by the median of the ratios.
    pub fn of_peer(&self) -> f64 {
        self.own / self.ratio
    }
}

impl Figures {
    pub fn parsed(text: &str) -> Self {
        let mut figures = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["fact", name, what] => figures.facts.push([name, what].map(str::to_owned)),
                ["part", title] => {
                    figures.parts.push(Part { title: title.to_owned(), ..Part::default() });
                }
                ["row", ..] => figures.part(line).rows.push(row(&fields[1..])),
                ["histogram", work, peer] => {
                    let [work, peer] = [work, peer].map(str::to_owned);
                    figures.part(line).histograms.push(Histogram {
                        work,
                        peer,
                        places: Vec::new(),
                    });
                }
                ["place", below, own, peer] => {
                    let [below, own, peer] = [below, own, peer].map(number);
                    let histogram = figures.part(line).histograms.last_mut();
                    histogram.expect("a histogram").places.push(Place { below, own, peer });
                }
                _ => panic!("no figure: {line:?}"),
            }
        }
        figures
    }

    fn part(&mut self, line: &str) -> &mut Part {
        self.parts.last_mut().unwrap_or_else(|| panic!("in no part: {line:?}"))
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn row(fields: &[&str]) -> Row {
    let [work, peer, ratio, low, high, _rounds, _calls, own, target] = fields[..] else {
        panic!("no row: {fields:?}");
    };
    Row {
        work: work.to_owned(),
        peer: peer.to_owned(),
        ratio: number(ratio),
        quartiles: [number(low), number(high)],
        own: number(own),
        target: (!target.is_empty()).then(|| number(target)),
    }
}
