//! The figures of a whole `cargo bench`, as `benches/compare/record.rs` writes them: one line for
//! each figure, with fields separated by tabs.

/// What was measured, and where.
#[derive(Debug, Default)]
pub struct Figures {
    /// Machine and compilers; whether others were at work. A name and what it was.
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

/// A work beside its peer.
#[derive(Debug)]
pub struct Row {
    pub work: String,
    pub peer: String,
    /// The median over the rounds.
    pub ratio: f64,
    pub quartiles: [f64; 2],
    /// Nanoseconds of a call.
    pub own: f64,
    /// What the ratio should at most be.
    pub target: Option<f64>,
}

/// How often something took how long.
#[derive(Debug)]
pub struct Histogram {
    pub work: String,
    pub peer: String,
    pub places: Vec<Place>,
}

/// Times below so many nanoseconds, and not below those of the place before.
#[derive(Debug)]
pub struct Place {
    pub below: f64,
    pub own: f64,
    pub peer: f64,
}

impl Part {
    /// Who made the program that called the library.
    pub fn compiler(&self) -> &str {
        match self.title.split_once("built by ") {
            Some((_, compiler)) if compiler.contains("clang") => "clang++",
            Some(_) => "g++",
            None => "Rust",
        }
    }
}

impl Row {
    /// Nanoseconds of the peer's call, by the median of the ratios.
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
