//! The drawings of `docs/pictures/` match the descriptions beside them and agree with the sources.
//!
//! `DCC_UPDATE_PICTURES=1 cargo test --test drawings` draws them again.

#![cfg(not(loom))]

#[path = "drawings/description.rs"]
mod description;
#[path = "drawings/layout.rs"]
mod layout;
#[path = "drawings/letters.rs"]
mod letters;
#[path = "../support/raw_job.rs"]
mod raw_job;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/svg.rs"]
mod svg;

use dcc_cancel::ffi::{job::*, job_life::*, seal::*, status::*};
use dcc_cancel::handle;
use dcc_cancel::job_state::JobState;
use dcc_cancel::memory::slot::{self, Slot};
use description::{Description, Field, Row};
use layout::{Area, Layout};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::ptr::null;

const NAMES: [&str; 5] = ["reach", "state_word", "slot", "job_life", "threads"];

fn file(name: &str) -> PathBuf {
    support::root().join("docs/pictures").join(name)
}

fn description(name: &str) -> Description {
    Description::parsed(&std::fs::read_to_string(file(&format!("{name}.txt"))).unwrap())
}

#[test]
fn each_drawing_is_that_of_its_description() {
    for name in NAMES {
        let description = description(name);
        let drawn = Layout::of(&description).finished(&description.about);
        let path = file(&format!("{name}.svg"));
        if std::env::var_os("DCC_UPDATE_PICTURES").is_some() {
            std::fs::write(path, drawn).unwrap();
            continue;
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        let update = "`DCC_UPDATE_PICTURES=1 cargo test --test drawings` draws it anew";
        assert!(there == drawn, "{name}.svg is not what {name}.txt describes: {update}");
    }
}

#[test]
fn each_description_is_drawn_and_each_picture_is_shown() {
    let files = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(support::root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let there = files("docs/pictures");
    let described = there.iter().filter_map(|name| name.strip_suffix(".txt"));
    assert_eq!(described.collect::<BTreeSet<_>>(), NAMES.into());
    let pages = files("docs").into_iter().filter(|name| name.ends_with(".md"));
    let pages = pages.map(|name| format!("docs/{name}"));
    let pages = pages.chain(["README.md", "ARCHITECTURE.md"].map(str::to_owned));
    let text = |page: String| std::fs::read_to_string(support::root().join(page)).unwrap();
    let shown = pages.map(text).collect::<String>();
    for name in there.iter().filter(|name| !name.ends_with(".txt")) {
        assert!(shown.contains(&format!("pictures/{name})")), "no page shows docs/pictures/{name}");
    }
}

fn overlap(a: Area, b: Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

fn is_inside(a: Area, b: Area) -> bool {
    a[0] >= b[0] && a[1] >= b[1] && a[2] <= b[2] && a[3] <= b[3]
}

/// The texts of a drawing that are not legible, each with the reason.
fn illegible(description: &Description) -> Vec<String> {
    let layout = Layout::of(description);
    let [width, height] = description.size;
    let mut wrong = Vec::new();
    for (number, (text, area)) in layout.texts.iter().enumerate() {
        if !is_inside(*area, [6.0, 6.0, width - 6.0, height - 6.0]) {
            wrong.push(format!("{text:?} leaves the picture"));
        }
        let later = layout.texts[number + 1..].iter().filter(|(_, other)| overlap(*area, *other));
        wrong.extend(later.map(|(other, _)| format!("{text:?} lies on {other:?}")));
        let crossed = |border: &Area| overlap(*area, *border) && !is_inside(*area, *border);
        if layout.borders.iter().any(crossed) {
            wrong.push(format!("{text:?} lies on a border"));
        }
        let struck = layout.ways.iter().any(|[[x1, y1], [x2, y2]]| {
            overlap(*area, [x1.min(*x2), y1.min(*y2), x1.max(*x2) + 0.1, y1.max(*y2) + 0.1])
        });
        if struck {
            wrong.push(format!("an arrow goes through {text:?}"));
        }
    }
    wrong
}

#[test]
fn each_text_can_be_read() {
    for name in NAMES {
        let wrong = illegible(&description(name));
        assert!(wrong.is_empty(), "{name}.txt:\n{}", wrong.join("\n"));
    }
}

#[test]
fn a_text_that_cannot_be_read_is_found() {
    let described = |items: &str| Description::parsed(&format!("size 200 100\n{items}"));
    let text = |x: u32, y: u32| format!("text {x} {y} begin 12 ink: words\n");
    assert_eq!(illegible(&described(&text(10, 20))), [""; 0]);
    assert_eq!(illegible(&described(&text(190, 20))), [r#""words" leaves the picture"#]);
    let twice = text(10, 20) + &text(20, 22);
    assert_eq!(illegible(&described(&twice)), [r#""words" lies on "words""#]);
    let narrow = "box a 60 10 30 30 blue: words\n";
    assert_eq!(illegible(&described(narrow)), [r#""words" lies on a border"#]);
    let boxes = "box a 10 10 20 40 blue:\nbox b 150 10 20 40 blue:\n";
    let arrow = format!("{boxes}arrow a.right b.left dim above:\n{}", text(60, 33));
    assert_eq!(illegible(&described(&arrow)), [r#"an arrow goes through "words""#]);
}

/// The value of a private constant, read from its source.
fn constant(source: &str, name: &str) -> u32 {
    let text = std::fs::read_to_string(support::root().join(source)).unwrap();
    let start = format!("const {name}: u32 = ");
    let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("{source} has no {name}"));
    rest.split(';').next().unwrap().parse().unwrap()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    let mut fields = row.fields.iter();
    fields.find(|field| field.lines[0] == name).unwrap_or_else(|| panic!("no field {name}"))
}

/// The highest and the lowest bit of a mask.
fn bits(mask: u64) -> [u32; 2] {
    assert_eq!((mask >> mask.trailing_zeros()).trailing_ones(), mask.count_ones(), "{mask:#x}");
    [63 - mask.leading_zeros(), mask.trailing_zeros()]
}

fn has_bits(row: &Row, name: &str, mask: u64) {
    let field = field(row, name);
    assert_eq!([field.first, field.last], bits(mask), "bits of {name} in the {} word", row.name);
    let count = format!("{} bit", mask.count_ones());
    let told = field.lines.iter().find(|line| line.contains(" bit"));
    assert!(told.is_none_or(|told| told.starts_with(&count)), "{name} has {count}s: {told:?}");
}

#[test]
fn the_bits_of_words_are_those_of_the_sources() {
    let drawing = description("state_word");
    for row in drawing.rows() {
        // The fields follow each other without a gap, from the highest bit on.
        let mut next = 63;
        for field in &row.fields {
            assert_eq!(i64::from(field.first), next, "the {} word", row.name);
            next = i64::from(field.last) - 1;
        }
        assert_eq!(next, -1, "the {} word", row.name);
    }

    let generation = u64::from(handle::MAX_GENERATION) << handle::GENERATION_SHIFT;
    let index: u64 =
        ((1 << handle::INDEX_BITS) - 1) << (handle::GENERATION_SHIFT - handle::INDEX_BITS);
    // The kind is the bits of a handle between its flags and its index.
    let kind = ((1 << index.trailing_zeros()) - 1) & !handle::FLAGS;
    assert_eq!(handle::pack(handle::Kind::Token, 0, 0) & !kind, 0);
    for name in ["handle", "state"] {
        let row = drawing.row(name);
        has_bits(row, "generation", generation);
        has_bits(row, "slot index", index);
        has_bits(row, "kind", kind);
    }
    let state = drawing.row("state");
    has_bits(state, "CANCELLED", handle::CANCELLED);
    has_bits(state, "TRACED", handle::TRACED);
    has_bits(state, "FOREIGN", handle::FOREIGN);
    has_bits(state, "GONE", handle::GONE);

    let control = drawing.row("control");
    let internal_bits = constant("src/memory/slot.rs", "INTERNAL_BITS");
    let lock = internal_bits + constant("src/memory/slot.rs", "OWNER_BITS");
    has_bits(control, "internals", (1 << internal_bits) - 1);
    has_bits(control, "owners", slot::MAX_OWNERS << internal_bits);
    has_bits(control, "LOCKED", 1 << lock);
    has_bits(control, "generation", u64::from(handle::MAX_GENERATION) << (lock + 1));
}

#[test]
fn the_bytes_of_a_slot_are_those_of_the_sources() {
    let drawing = description("slot");
    let bytes = |name: &str| -> Vec<[u32; 2]> {
        drawing.row(name).fields.iter().map(|field| [field.first, field.last]).collect()
    };
    assert_eq!(bytes("first"), [[0, 7], [8, 11], [12, 15], [16, 63]]);
    assert_eq!(bytes("second"), [[64, 71], [72, 127]]);
    type Whole = Slot<[u64; 6], [u64; 7]>;
    assert_eq!([size_of::<Whole>(), align_of::<Whole>()], [128, 128]);
    // With one byte more beside either word, the slot would no longer fit into its two cache lines.
    assert_eq!(size_of::<Slot<[u8; 49], [u8; 56]>>(), 256);
    assert_eq!(size_of::<Slot<[u8; 48], [u8; 57]>>(), 256);
    let slot = Whole::default();
    let start = (&raw const slot).addr();
    let at = |address: usize| (address - start) as u32;
    assert_eq!(at((&raw const *slot.state()).addr()), bytes("first")[0][0]);
    assert_eq!(at((&raw const *slot.next_dead()).addr()), bytes("first")[1][0]);
    assert_eq!(at((&raw const slot.mark).addr()), bytes("first")[2][0]);
    assert_eq!(at((&raw const slot.cold).addr()), bytes("first")[3][0]);
    assert_eq!(at((&raw const *slot.live()).addr()), bytes("second")[1][0]);
}

/// Calls the function that an arrow's label names.
fn call(job: *mut dcc_job, name: &str) -> dcc_status {
    match name {
        "dcc_job_begin" => dcc_job_begin(job),
        "dcc_job_seal" => dcc_job_seal(job),
        "dcc_job_complete" => dcc_job_complete(job),
        // SAFETY: no message.
        "dcc_job_fail" => unsafe { dcc_job_fail(job, null(), 0) },
        "dcc_job_acknowledge_cancel" => dcc_job_acknowledge_cancel(job),
        // SAFETY: no message.
        "dcc_job_interrupt" => unsafe { dcc_job_interrupt(job, null(), 0) },
        other => panic!("the life of a job has no {other:?}"),
    }
}

fn state(job: *mut dcc_job) -> &'static str {
    let mut number = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_state(job, &mut number) }, DCC_OK);
    JobState::from_number(number as u32).name()
}

/// The state that a box stands for.
fn state_of(name: &str) -> &str {
    if matches!(name, "unsealed" | "sealed") { "running" } else { name }
}

#[test]
fn a_job_does_what_the_arrows_say() {
    let drawing = description("job_life");
    let mut reached = BTreeSet::from(["pending"]);
    for arrow in drawing.arrows() {
        let (from, to) = (&*arrow.from.name, &*arrow.to.name);
        // An arrow from the whole of `running` holds for both of its parts.
        let parts = if from == "running" { vec!["unsealed", "sealed"] } else { vec![from] };
        for from in parts {
            let job = raw_job::new_job(c"drawn");
            let way: &[&str] = match from {
                "pending" => &[],
                "unsealed" => &["dcc_job_begin"],
                _ => &["dcc_job_begin", "dcc_job_seal"],
            };
            for verb in way {
                assert_eq!(call(job, verb), DCC_OK, "{verb}");
            }
            assert_eq!(state(job), state_of(from));
            let verb = arrow.label[0].split(',').next().unwrap();
            assert_eq!(call(job, verb), DCC_OK, "{verb} takes one that is {from} to {to}");
            assert_eq!(state(job), state_of(to), "{verb} takes one that is {from} to {to}");
            assert_eq!(dcc_job_is_sealed(job) > 0, to == "sealed" || from == "sealed");
            assert_eq!(dcc_job_release(job), DCC_OK);
        }
        reached.insert(state_of(to));
    }
    let all = (1..=6).map(|number| JobState::from_number(number).name());
    assert_eq!(reached, all.collect(), "each state is reached");
    // The statements of the drawing's other texts.
    let job = raw_job::new_job(c"drawn");
    assert_eq!(call(job, "dcc_job_fail"), DCC_OK, "also of a pending one");
    assert_eq!(dcc_job_release(job), DCC_OK);
    let job = raw_job::new_job(c"drawn");
    assert_eq!([call(job, "dcc_job_begin"), call(job, "dcc_job_seal")], [DCC_OK; 2]);
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_job_cancel(job, null(), 0) }, DCC_SEALED, "a cancel is refused");
    assert_eq!(call(job, "dcc_job_acknowledge_cancel"), DCC_SEALED);
    assert_eq!(state(job), "failed", "stopping is a failure");
    assert_eq!(dcc_job_release(job), DCC_OK);
}

#[test]
fn each_function_in_a_drawing_is_one_of_the_header() {
    let header = std::fs::read_to_string(support::include().join("dcc_cancel.h")).unwrap();
    for name in NAMES {
        let text = std::fs::read_to_string(file(&format!("{name}.txt"))).unwrap();
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("dcc_") && *word != "dcc_cancel") {
            assert!(header.contains(&format!(" {word}(")), "{name}.txt: there is no {word}");
        }
    }
}
