//! Models of the observers' rings: loom runs every interleaving of a few threads.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom_observers --target-dir target/loom`

#![cfg(loom)]

use dcc_cancel::diagnosis::events::{Event, EventKind, ObserverPin, Observers};
use dcc_cancel::handle::Handle;
use dcc_cancel::sys::lendable::Lendable;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

/// A value that one thread took is not lent to threads that looked before.
#[test]
fn lend_x_replace() {
    loom::model(|| {
        let place = Arc::new(Lendable::default());
        assert!(place.replace(Some(Box::new(7))).is_none());
        let is_taken = Arc::new(AtomicU32::new(0));
        let (other_place, taken_there) = (place.clone(), is_taken.clone());
        let thread = thread::spawn(move || {
            let Some(loan) = other_place.lend() else { return };
            let is_taken = *loan == 7 && taken_there.load(Ordering::Relaxed) != 0;
            assert!(!is_taken, "taken from who uses it");
        });
        let value = place.replace(None);
        is_taken.store(1, Ordering::Relaxed);
        // The next value is for threads that look from now on.
        place.replace(Some(Box::new(8)));
        thread.join().unwrap();
        // The value is freed only here, so that the model without the guard does not use freed
        // memory.
        assert_eq!(value.as_deref(), Some(&7));
        assert_eq!(place.replace(None).as_deref(), Some(&8));
    });
}

fn event(job_id: u64) -> Event {
    Event { kind: EventKind::JobState, job_id, ..Event::default() }
}

/// The drained events, and the number of lost ones.
fn drained(observers: &Observers, observer: Handle) -> (Vec<u64>, u64) {
    let pin = ObserverPin::new(observers, observer).unwrap();
    let (mut events, mut lost) = (Vec::new(), 0);
    observers.drain(&pin, 0, 8, |_, event| match event.kind {
        EventKind::Overflow => lost += event.count,
        _ => events.push(event.job_id),
    });
    (events, lost)
}

/// Each event is drained or counted as lost; drained events are in their order.
#[test]
fn emit_x_drain() {
    loom::model(|| {
        let observers = Arc::new(Observers::new());
        let observer = observers.create(1).unwrap();
        observers.emit(|| event(1));
        observers.emit(|| event(2));
        let other = observers.clone();
        let thread = thread::spawn(move || other.emit(|| event(3)));
        let (mut events, mut lost) = drained(&observers, observer);
        thread.join().unwrap();
        let (late, lost_late) = drained(&observers, observer);
        events.extend(late);
        lost += lost_late;
        assert_eq!(events.len() as u64 + lost, 3, "told of: {events:?}, lost: {lost}");
        assert!(events == [2, 3] || events == [3], "{events:?}");
        observers.release(observer).unwrap();
    });
}

/// An emitting thread finds the ring of a living observer or none, although the slot is used again.
#[test]
fn emit_x_release_x_create() {
    loom::model(|| {
        let observers = Arc::new(Observers::new());
        let observer = observers.create(1).unwrap();
        let other = observers.clone();
        let thread = thread::spawn(move || other.emit(|| event(1)));
        observers.release(observer).unwrap();
        let next = observers.create(2).unwrap();
        thread.join().unwrap();
        let (events, lost) = drained(&observers, next);
        assert!(lost == 0 && (events.is_empty() || events == [1]), "{events:?}");
        observers.release(next).unwrap();
        assert!(!observers.any());
    });
}
