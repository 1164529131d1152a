//! The pictures of `docs/costs.md` show the figures in `docs/costs/figures.tsv`.
//!
//! `cargo bench --bench compare -- record` measures and writes the figures;
//! `DCC_UPDATE_PICTURES=1 cargo test --test pictures` draws them, without measuring anything.

#![cfg(not(loom))]

mod curves;
mod figures;
mod histograms;
mod plot;
mod ratios;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/svg.rs"]
mod svg;

use curves::Curve;
use figures::Figures;
use roxmltree::{Document, Node};
use std::path::PathBuf;

const CURVES: &[(&str, Curve)] = &[
    (
        "live-tokens.svg",
        Curve {
            title: "Create and release a token, while others live",
            work: ["create and release, ", " live"],
            many: "tokens that live",
        },
    ),
    (
        "children.svg",
        Curve {
            title: "Create and release a child of a parent that has others",
            work: ["create and release a child, ", " there"],
            many: "other children",
        },
    ),
    (
        "cancel-children.svg",
        Curve {
            title: "Cancel a parent, for each of its children",
            work: ["cancel with ", " children"],
            many: "children",
        },
    ),
    (
        "callbacks.svg",
        Curve {
            title: "Register and unregister a callback at a token that has others",
            work: ["register and unregister, ", " there"],
            many: "other callbacks",
        },
    ),
    (
        "cancel-callbacks.svg",
        Curve {
            title: "Cancel a token, for each of its callbacks",
            work: ["cancel with ", " callbacks"],
            many: "callbacks",
        },
    ),
    (
        "requests.svg",
        Curve {
            title: "Begin and end a request, while others are in flight",
            work: ["begin and end a request, ", " in flight"],
            many: "requests in flight",
        },
    ),
];

/// The name of a picture, its title, and the work that it shows.
const HISTOGRAMS: &[[&str; 3]] = &[
    [
        "seen.svg",
        "From a cancel to a loop of polls on another processor that sees it",
        "cancel to seen by a loop of polls",
    ],
    ["wake.svg", "From a cancel to a waiter that runs", "cancel to the wake-up of a waiter"],
    [
        "native-event.svg",
        "From a cancel to a set native event",
        "cancel to poll() of a native event",
    ],
    [
        "stopped-job.svg",
        "From a cancel to the end of a posted job",
        "cancel to the end of a posted job",
    ],
];

/// All pictures by their names.
fn drawn(figures: &Figures) -> Vec<(&'static str, String)> {
    let curves = CURVES.iter().map(|(name, curve)| (*name, curve.drawn(figures)));
    let histograms = HISTOGRAMS
        .iter()
        .map(|[name, title, work]| (*name, histograms::drawn(figures, title, work)));
    std::iter::once(("ratios.svg", ratios::drawn(figures)))
        .chain(curves)
        .chain(histograms)
        .collect()
}

fn folder() -> PathBuf {
    support::root().join("docs/costs")
}

#[test]
fn the_pictures_are_those_of_the_figures() {
    let text = std::fs::read_to_string(folder().join("figures.tsv")).unwrap();
    for (name, picture) in drawn(&Figures::parsed(&text)) {
        let path = folder().join(name);
        if std::env::var_os("DCC_UPDATE_PICTURES").is_some() {
            std::fs::write(path, picture).unwrap();
            continue;
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == picture,
            "{name} is of other figures: DCC_UPDATE_PICTURES=1 draws it anew"
        );
    }
}

#[test]
fn the_page_shows_every_picture() {
    let page = std::fs::read_to_string(support::root().join("docs/costs.md")).unwrap();
    let linked = page.split("](costs/").skip(1).map(|rest| rest.split(')').next().unwrap());
    let mut linked: Vec<&str> = linked.filter(|name| name.ends_with(".svg")).collect();
    let names =
        CURVES.iter().map(|(name, _)| *name).chain(HISTOGRAMS.iter().map(|[name, ..]| *name));
    let mut all: Vec<&str> = names.chain(["ratios.svg"]).collect();
    linked.sort_unstable();
    all.sort_unstable();
    assert_eq!(linked, all);
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "figures.tsv" || all.contains(&&*name), "nothing shows docs/costs/{name}");
    }
}

/// A few figures, whose places in the pictures are known.
fn fixture() -> Figures {
    let mut text = String::from("# About.\nfact\tmachine\tA & B <processor>\nfact\tg++\t12.2\n");
    text += "part\tbuilt by g++ 12.2\nrow\tcreate\tstd::x<T>\t0.5\t0.25\t1\t9\t9\t20\t0.8\n";
    text += "part\tbuilt by Debian clang 14\nrow\tcreate\tstd::x<T>\t2\t2\t2\t9\t9\t20\t0.8\n";
    for (_, curve) in CURVES {
        let [before, after] = curve.work;
        for (count, own) in [(1, 10), (100, 100)] {
            text += &format!("row\t{before}{count}{after}\ta peer\t0.1\t0\t1\t9\t9\t{own}\t\n");
        }
    }
    for [_, _, work] in HISTOGRAMS {
        text += &format!("histogram\t{work}\ta peer\nplace\t150\t3\t0\nplace\t225\t1\t5\n");
    }
    Figures::parsed(&text)
}

fn of_class<'a>(document: &'a Document<'a>, class: &'a str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.attribute("class") == Some(class)).collect()
}

fn number(node: Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap_or_else(|| panic!("{node:?}")).parse().unwrap()
}

fn points(node: Node<'_, '_>) -> Vec<[f64; 2]> {
    let number = |text: &str| -> f64 { text.parse().unwrap() };
    let pairs =
        node.attribute("points").unwrap().split(' ').map(|pair| pair.split_once(',').unwrap());
    pairs.map(|(x, y)| [number(x), number(y)]).collect()
}

fn picture<'a>(pictures: &'a [(&str, String)], name: &str) -> Document<'a> {
    let (_, text) = pictures.iter().find(|(found, _)| *found == name).unwrap();
    Document::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_picture_stands_for_itself() {
    for (name, text) in drawn(&fixture()) {
        let document = Document::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let root = document.root_element();
        assert!(root.has_tag_name(("http://www.w3.org/2000/svg", "svg")), "{name}");
        let [width, height] = ["width", "height"].map(|side| number(root, side));
        for node in root.descendants() {
            for (attribute, most) in [("x", width), ("cx", width), ("x1", width), ("x2", width)]
                .into_iter()
                .chain([("y", height), ("cy", height), ("y1", height), ("y2", height)])
            {
                let inside = 0.0..=most;
                let place = node.attribute(attribute).map(|_| number(node, attribute));
                assert!(place.is_none_or(|place| inside.contains(&place)), "{name}: {node:?}");
            }
        }
        // A picture must contain all that it shows: a reader could not fetch more.
        let attributes = root.descendants().flat_map(|node| node.attributes());
        let mut fetching = attributes.filter(|attribute| attribute.name().ends_with("href"));
        assert!(fetching.next().is_none() && !text.contains("url(") && !text.contains("@import"));
        assert!(text.contains("prefers-color-scheme: dark"), "{name}");
        let texts: Vec<&str> = root.descendants().filter_map(|node| node.text()).collect();
        assert!(texts.contains(&"machine: A & B <processor>"), "{name}: {texts:?}");
    }
}

#[test]
fn a_ratio_lies_at_its_place() {
    let pictures = drawn(&fixture());
    let document = picture(&pictures, "ratios.svg");
    // The first dot belongs to the legend. The scale goes from a quarter to two, so one lies at two
    // thirds of the way.
    let of_gcc = number(of_class(&document, "dot0")[1], "cx");
    let of_clang = number(of_class(&document, "dot1")[1], "cx");
    let one = number(of_class(&document, "axis")[0], "x1");
    assert!((of_clang - one - (one - of_gcc)).abs() < 0.2, "half and double are as far from one");
    let range = of_class(&document, "line0")[0];
    let [low, high] = ["x1", "x2"].map(|side| number(range, side));
    assert!((one - low - 2.0 * (one - of_gcc)).abs() < 0.2, "a quarter is twice as far as a half");
    assert!((high - one).abs() < 0.2);
    let target = number(of_class(&document, "target")[0], "x1");
    assert!(of_gcc < target && target < one);
}

#[test]
fn a_curve_goes_through_its_figures() {
    let pictures = drawn(&fixture());
    for (name, _) in CURVES {
        let document = picture(&pictures, name);
        let [own, peer] = ["line0", "line1"].map(|class| points(of_class(&document, class)[0]));
        assert_eq!([own.len(), peer.len()], [2, 2], "{name}");
        // The peer takes ten times as long at the first number, and the library at a number that is
        // a hundred times larger.
        assert!((own[1][1] - peer[0][1]).abs() < 0.2, "{name}: {own:?}, {peer:?}");
        assert!(own[0][1] > own[1][1] && own[0][0] < own[1][0], "{name}: {own:?}");
    }
}

#[test]
fn a_histogram_has_its_shares() {
    let pictures = drawn(&fixture());
    for [name, ..] in HISTOGRAMS {
        let document = picture(&pictures, name);
        let [own, peer] = ["line0", "line1"].map(|class| points(of_class(&document, class)[0]));
        let bottom = number(of_class(&document, "axis")[0], "y1");
        let heights = |points: &[[f64; 2]]| -> Vec<f64> {
            points.iter().map(|[_, y]| bottom - y).filter(|height| *height > 0.2).collect()
        };
        let (own, peer) = (heights(&own), heights(&peer));
        // Three quarters of our times are in one place and a quarter in another; all of the peer's
        // are in the second place.
        assert_eq!([own.len(), peer.len()], [4, 2], "{name}");
        assert!((own[0] / own[2] - 3.0).abs() < 0.05 && (own[0] / peer[0] - 0.75).abs() < 0.05);
    }
}

#[test]
#[should_panic = "no histogram of cancel to the end of a posted job"]
fn a_figure_that_is_missing_is_named() {
    let mut figures = fixture();
    figures.parts.last_mut().unwrap().histograms.retain(|of| !of.work.contains("posted job"));
    drawn(&figures);
}
