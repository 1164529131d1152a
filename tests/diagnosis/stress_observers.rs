//! Real threads emit and drain events, and create and release observers, at the same time. Each
//! event is either drained by one thread or counted as lost, and the events of one emitter arrive
//! in their order. `DCC_STRESS` makes it longer.

#![cfg(not(loom))]

#[path = "../support/effort.rs"]
mod effort;

use dcc_cancel::diagnosis::events::{Event, EventKind, ObserverPin, Observers};
use dcc_cancel::handle::Handle;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const EMITTERS: u64 = 3;
const DRAINERS: usize = 2;

fn emit(observers: &Observers, emitter: u64, number: u64) {
    let kind = EventKind::JobState;
    observers.emit(|| Event { kind, job_id: emitter, count: number, ..Event::default() });
}

/// The record of one draining thread: how many events it drained, how many lost ones it was told
/// of, and the last number of each emitter.
#[derive(Default)]
struct Drained {
    events: u64,
    lost: u64,
    last: [u64; EMITTERS as usize],
}

impl Drained {
    /// Drains some events; returns whether there were any.
    fn drain(&mut self, observers: &Observers, observer: Handle) -> bool {
        let pin = ObserverPin::new(observers, observer).unwrap();
        let count = observers.drain(&pin, 0, 5, |_, event| {
            if event.kind == EventKind::Overflow {
                assert_ne!(event.count, 0);
                self.lost += event.count;
                return;
            }
            self.events += 1;
            let last = &mut self.last[event.job_id as usize];
            assert!(event.count > *last, "{} after {last}", event.count);
            *last = event.count;
        });
        count > 0
    }
}

/// Runs threads that emit this many events each, and threads that drain an observer meanwhile.
fn race(observers: &Observers, observer: Handle, count: u64) -> Vec<Drained> {
    let at_work = AtomicUsize::new(EMITTERS as usize);
    thread::scope(|scope| {
        for emitter in 0..EMITTERS {
            let at_work = &at_work;
            scope.spawn(move || {
                (1..=count).for_each(|number| emit(observers, emitter, number));
                at_work.fetch_sub(1, Ordering::Release);
            });
        }
        let drain = || {
            let mut drained = Drained::default();
            loop {
                let is_over = at_work.load(Ordering::Acquire) == 0;
                if !drained.drain(observers, observer) && is_over {
                    return drained;
                }
            }
        };
        let drainers: Vec<_> = (0..DRAINERS).map(|_| scope.spawn(drain)).collect();
        drainers.into_iter().map(|drainer| drainer.join().unwrap()).collect()
    })
}

#[test]
fn each_event_is_drained_or_counted() {
    let count = effort::times(20_000);
    let observers = Observers::new();
    for capacity in [1, 3, 64] {
        let observer = observers.create(capacity).unwrap();
        let drained = race(&observers, observer, count);
        let events: u64 = drained.iter().map(|drained| drained.events).sum();
        let lost: u64 = drained.iter().map(|drained| drained.lost).sum();
        assert_eq!(events + lost, EMITTERS * count, "{events} and {lost}, of {capacity} at a time");
        assert!(events > 0);
        observers.release(observer).unwrap();
    }
}

/// Observers are created and released while other threads emit: nothing is used after its end,
/// which sanitizers would report, and no thread waits for ever.
#[test]
fn observers_go_while_others_emit() {
    let count = effort::times(2_000);
    let observers = Observers::new();
    let at_work = AtomicUsize::new(1);
    thread::scope(|scope| {
        for emitter in 0..EMITTERS {
            let (observers, at_work) = (&observers, &at_work);
            scope.spawn(move || {
                let mut number = 0;
                while at_work.load(Ordering::Relaxed) != 0 {
                    number += 1;
                    emit(observers, emitter, number);
                }
            });
        }
        for round in 0..count {
            let observer = observers.create(1 + round as usize % 7).unwrap();
            Drained::default().drain(&observers, observer);
            observers.release(observer).unwrap();
        }
        at_work.store(0, Ordering::Relaxed);
    });
    assert!(!observers.any());
}
