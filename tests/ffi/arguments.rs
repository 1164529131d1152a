//! A call does nothing before it has checked all of its arguments. The test takes each function of
//! the header that has an argument which can be bad, and calls it with each bad value of each such
//! argument, with good values for all others. The call answers the error that the header states,
//! even if handles are dead. The error's text names the argument, and the counts of the process do
//! not change. Then the function is called with good values only, which shows that the bad value
//! was the only reason for the refusal.
//!
//! The header's types say which arguments there are and how they can be bad; [`table`] says what
//! types cannot say. The test fails if neither explains a parameter or a field, and if it does not
//! know good arguments for a function. It calls the functions of the shared library by their names.

#![cfg(target_os = "linux")]

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "../support/c_layout.rs"]
mod c_layout;
#[path = "arguments/call.rs"]
mod call;
#[path = "arguments/rules.rs"]
mod rules;
#[path = "arguments/spoil.rs"]
mod spoil;
#[path = "../support/mod.rs"]
mod support;
#[path = "arguments/table.rs"]
mod table;
#[path = "arguments/world.rs"]
mod world;

use c_header::{Function, Header};
use call::{Call, Library};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use world::World;

const INVALID_ARGUMENT: i32 = -2;
const UNSUPPORTED: i32 = -4;
const FORKED: i32 = -13;

fn source() -> String {
    std::fs::read_to_string(support::include().join("dcc_cancel.h")).unwrap()
}

fn header() -> Header {
    Header::parse(&source()).unwrap()
}

/// Lets one test run at a time, because the tests read counts of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks the counts and sizes that an error's text names: each must be a parameter of the function
/// or a field of a structure.
fn assert_names_what_there_is(header: &Header, function: &Function, error: &str, about: &str) {
    const NUMBERS: [&str; 5] = ["count", "length", "size", "capacity", "stride"];
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_.".contains(character);
    let words = error.split(|character| !is_part(character));
    for word in words.map(|word| word.trim_end_matches('.')) {
        let (structure, name) =
            word.rsplit_once('.').map_or((None, word), |(of, name)| (Some(of), name));
        if !NUMBERS.iter().any(|number| name.rsplit('_').next() == Some(*number)) {
            continue;
        }
        let is_there = match structure {
            None => function.parameters.iter().any(|parameter| parameter.name == name),
            Some(of) => header
                .structure(of)
                .is_some_and(|of| of.fields.iter().any(|field| field.name == name)),
        };
        assert!(is_there, "{about}: the error names {word}, which there is not: {error}");
    }
}

/// Tests one function: first the refusals, then the good call. Returns the number of refusals.
fn drive(library: &Library, header: &Header, name: &str, unseen: &mut BTreeSet<String>) -> usize {
    let function = header.function(name).unwrap();
    let spoils = spoil::all(header, function);
    if spoils.is_empty() {
        return 0;
    }
    let world = World::new(library, header);
    let before = world.snapshot(name);
    for spoil in &spoils {
        let mut call = Call::good(header, function, &world);
        (spoil.apply)(&mut call);
        let about = format!("{name} with {}", spoil.what);
        let given = call.memory();
        library.forget_error();
        let status = library.call(name, &call.arguments()) as i32;
        assert_eq!(status, spoil.expected, "{about}: {}", library.last_error());
        let error = library.last_error();
        assert!(
            spoil.named.iter().any(|argument| error.contains(argument.as_str())),
            "{about}: the error names none of {:?}: {error}",
            spoil.named
        );
        assert_names_what_there_is(header, function, &error, &about);
        call.assert_untouched(&given, &about);
        // This holds with bad handles and with NULL, too: arguments are checked first.
        for bad in [1, 0] {
            let mut call = call.clone();
            call.set_handles(&call::roles(header, function), bad);
            let status = library.call(name, &call.arguments()) as i32;
            assert_eq!(status, spoil.expected, "{about} and handles {bad}");
        }
        let now = world.snapshot(name);
        let changed: Vec<_> = before.iter().zip(&now).filter(|(then, now)| then != now).collect();
        assert!(changed.is_empty(), "{about} has done something: {changed:?}");
    }
    let call = Call::good(header, function, &world);
    let status = library.call(name, &call.arguments()) as i32;
    let is_good = table::is_good(name, status);
    assert!(is_good, "{name} with good arguments: {status}, {}", library.last_error());
    if world.snapshot(name) == before {
        unseen.insert(name.to_owned());
    }
    if name == "dcc_events_drain" {
        world.assert_drained(&call);
    }
    world.end(&call, function);
    spoils.len()
}

/// In a forked child each function answers that nothing works there, except the functions that the
/// header names, and handles that it would write are NULL. Returns how many functions do not work,
/// and how many do.
fn in_a_forked_child(library: &Library, header: &Header) -> [usize; 2] {
    let world = World::new(library, header);
    let source = source();
    let (works, refused): (Vec<&Function>, _) =
        header.functions.iter().partition(|function| rules::works_in_a_fork(function, &source));
    let calls = |functions: &[&Function]| -> Vec<Call> {
        functions.iter().map(|function| Call::good(header, function, &world)).collect()
    };
    let (good, bad) = (calls(&works), calls(&refused));
    // SAFETY: the child calls the library, writes, and ends.
    match unsafe { libc::fork() } {
        0 => {
            let mut wrong = 0;
            let all = works.iter().zip(&good).map(|one| (one, true));
            for ((function, call), works) in
                all.chain(refused.iter().zip(&bad).map(|one| (one, false)))
            {
                let status = library.call(&function.name, &call.arguments()) as i32;
                if (status != FORKED) != works || !works && !call.gives_no_handle() {
                    wrong += 1;
                    let text = format!("{}: {status}\n", function.name);
                    // SAFETY: a text of that length.
                    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
                }
            }
            // SAFETY: ends the child without what the test program has to do at its end.
            unsafe { libc::_exit(wrong) };
        }
        child => {
            let mut status = 0;
            // SAFETY: a child, and a writable result.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0, "the child has written which functions are wrong");
        }
    }
    let nothing = header.function("dcc_timeline_end").unwrap();
    let call = Call::good(header, nothing, &world);
    world.end(&call, nothing);
    [refused.len(), works.len()]
}

#[test]
fn in_a_fork_works_what_the_header_says() {
    let _alone = alone();
    let [refused, works] = in_a_forked_child(&Library::load(), &header());
    support::show(&format!("{refused} functions do not work in a fork, {works} do"));
    assert!(refused >= 85 && works >= 12, "{refused} {works}");
}

#[test]
fn null_is_what_the_header_says_everywhere() {
    let _alone = alone();
    let count = rules::null_handles(&Library::load(), &header());
    support::show(&format!("{count} handles that were NULL"));
    assert!(count >= 75, "{count}");
}

#[test]
fn what_is_not_const_ends_the_use_of_a_handle_and_nothing_else_does() {
    let _alone = alone();
    let [stay, end] = rules::references(&Library::load(), &header());
    support::show(&format!("{stay} functions leave a handle good, {end} end it"));
    assert!(stay >= 60 && end >= 10, "{stay} {end}");
}

#[test]
fn a_question_is_answered_by_no_yes_or_a_bad_handle() {
    let _alone = alone();
    assert!(rules::questions(&Library::load(), &header(), &source()) >= 3);
}

#[test]
fn texts_and_structures_keep_the_rules() {
    let _alone = alone();
    let (library, header, source) = (Library::load(), header(), source());
    let texts = rules::texts(&library, &header, &source);
    let sizes = rules::sizes(&library, &header);
    let optional = rules::optional_results(&header, &source);
    support::show(&format!(
        "{texts} absent texts, {sizes} structures, {optional} that may be NULL"
    ));
    assert!(texts >= 30 && sizes >= 16 && optional >= 12, "{texts} {sizes} {optional}");
}

#[test]
fn a_bad_argument_has_no_effect_in_any_function() {
    let _alone = alone();
    let (library, header) = (Library::load(), header());
    let mut unseen = BTreeSet::new();
    let (mut functions, mut refusals) = (0, 0);
    for function in &header.functions {
        let count = drive(&library, &header, &function.name, &mut unseen);
        functions += usize::from(count > 0);
        refusals += count;
    }
    // If the snapshot saw no difference, the test would prove nothing.
    let known: BTreeSet<String> = table::UNSEEN.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(unseen, known, "whose good call shows in no count");
    support::show(&format!("{functions} functions, {refusals} calls with one bad argument each"));
    assert!(functions >= 66 && refusals >= 940, "{functions} functions, {refusals} refusals");
}
