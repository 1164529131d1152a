//! The shares of a job's bar: a tree. Its root is the job's own count.
//!
//! A tree is used by one thread at a time: a job's tree is under the lock of the job's body.
//!
//! Invariants:
//! 1. A share's room is fixed when it begins. `filled` of a share is `settled`, the parts that its
//!    units stand for, less the parts that the live shares below it have not filled of their rooms.
//!    So the root's `filled` is exactly the sum of all.
//! 2. Nothing makes `filled` smaller. The root's `filled` is never `WHOLE`, because its span never
//!    arrives at the end of its room.
//! 3. A share lives until it ends, or until a share above it ends. Units counted in a share that
//!    does not live are late.
//! 4. A node is used again when its share was let go of and no node is below it.
//! 5. The root's units may be ahead of its `settled`, so that a job with one counter pays for no
//!    division. Reading the tree, and beginning a share, settles it.

use crate::progress::pace::Pace;
use crate::progress::span::{Span, WHOLE};
use crate::sys::fallible::{OutOfMemory, replace_string, try_string};
use std::num::NonZeroU32;

/// The number of the root, the node in which the job itself counts.
pub const ROOT: u32 = 0;

/// Total that `count` answers while the job's own units do not tell how long the bar is.
const MILLIONTHS: u64 = 1_000_000;

/// A job's progress as one count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units that are done.
    pub done: u64,
    /// Units in all; 0 while unknown.
    pub total: u64,
}

/// Where a new share gets its room in the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The share is worth this number of units of the share above.
    Units(u64),
    /// All the room of the share above, if nothing was counted or begun there. If an earlier share
    /// had that room and has ended, the part of it that the earlier share gave back. Otherwise no
    /// room.
    WholeStep,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    span: Span,
    settled: u64,
    filled: u64,
    pub(super) above: u32,
    /// Number of nodes directly below.
    below: u32,
    has_ended: bool,
    /// No caller has a handle of the share any more.
    is_let_go: bool,
    /// The share below that has taken all the room that was left, until that share ends.
    taker: Option<NonZeroU32>,
    /// For a count that is reported whole: its units beyond the total, and the total before the
    /// present one.
    beyond: u64,
    total_before: u64,
    pub(super) label: String,
    pub(super) message: String,
    /// Value of `Tree::tellings` when the share or its message was new.
    pub(super) told: u64,
    /// Time at which the share began, if its duration is wanted; otherwise 0.
    began_ns: u64,
}

/// The shares of a job.
#[derive(Debug, Default)]
pub struct Tree {
    root: Node,
    /// The nodes except the root. The first one has number 1.
    shares: Vec<Node>,
    /// Number of the first free node; 0 for none. `above` of a free node is the number of the next
    /// one.
    free: u32,
    pub(super) tellings: u64,
    /// Whether the root's own count no longer tells how long the bar is.
    is_divided: bool,
    over: u64,
    late: u64,
    /// How often a known total grew.
    growths: u64,
    /// How fast the bar fills.
    pub pace: Pace,
}

impl Tree {
    /// The tree of a job that begins to count.
    pub fn new(now_ns: u64) -> Self {
        let root = Node { span: Span::new(WHOLE, 0), ..Node::default() };
        Self { root, pace: Pace::new(now_ns), ..Self::default() }
    }

    pub(super) fn node(&self, number: u32) -> &Node {
        match number {
            ROOT => &self.root,
            number => &self.shares[number as usize - 1],
        }
    }

    fn node_mut(&mut self, number: u32) -> &mut Node {
        match number {
            ROOT => &mut self.root,
            number => &mut self.shares[number as usize - 1],
        }
    }

    /// Numbers of all nodes, including free ones, which do not live.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        0..=self.shares.len() as u32
    }

    /// Whether the share and all shares above it go on.
    pub fn is_live(&self, mut number: u32) -> bool {
        loop {
            let node = self.node(number);
            if node.has_ended {
                return false;
            }
            if number == ROOT {
                return true;
            }
            number = node.above;
        }
    }

    fn fill(&mut self, mut number: u32, parts: u64) {
        loop {
            let node = self.node_mut(number);
            node.filled += parts;
            if number == ROOT {
                return;
            }
            number = node.above;
        }
    }

    /// Brings `settled` of a live share up to what its units stand for. The share, and all shares
    /// above it, are filled by the difference.
    fn settle(&mut self, number: u32) {
        let node = self.node_mut(number);
        if node.taker.is_some() {
            return;
        }
        let position = node.span.position();
        let parts = position - node.settled;
        node.settled = position;
        self.fill(number, parts);
    }

    fn tell(&mut self, number: u32) {
        self.tellings += 1;
        self.node_mut(number).told = self.tellings;
    }

    /// Takes the number of a free node, or adds a node. The caller writes the node.
    fn take(&mut self) -> Result<u32, OutOfMemory> {
        if self.free != 0 {
            let number = self.free;
            self.free = self.node(number).above;
            return Ok(number);
        }
        self.shares.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.shares.push(Node::default());
        u32::try_from(self.shares.len()).map_err(|_| OutOfMemory)
    }

    /// Begins a share below the share `above`, and returns the new share's number. The number is
    /// valid until `let_go`. Below a share that has ended the new one gets no room.
    pub fn begin(
        &mut self,
        above: u32,
        room: Room,
        total: u64,
        label: &str,
    ) -> Result<u32, OutOfMemory> {
        let label = try_string(label)?;
        let number = self.take()?;
        self.is_divided = true;
        let parts = if self.is_live(above) { self.room_below(above, room, number) } else { 0 };
        self.node_mut(above).below += 1;
        let span = Span::new(parts, total);
        *self.node_mut(number) = Node { span, above, label, ..Node::default() };
        self.tell(number);
        Ok(number)
    }

    /// Takes room from the live share `above` for the new share `number`. Returns it in parts of
    /// the bar; 0 if there is none.
    fn room_below(&mut self, above: u32, room: Room, number: u32) -> u64 {
        self.settle(above);
        let node = self.node_mut(above);
        if node.taker.is_some() {
            return 0;
        }
        let before = node.settled;
        let mut over = 0;
        match room {
            Room::Units(units) => over = node.span.add(units),
            Room::WholeStep if node.span.units() == 0 && node.span.total() == 0 => {
                node.span.hand_over();
                node.taker = NonZeroU32::new(number);
            }
            Room::WholeStep => (),
        }
        node.settled = node.span.position();
        let parts = node.settled - before;
        self.over = self.over.saturating_add(over);
        parts
    }

    /// Counts units of a share. `is_over`: the job has ended. Units of a share or a job that has
    /// ended are late, and do not move the bar.
    pub fn add(&mut self, number: u32, units: u64, is_over: bool) {
        if is_over || !self.is_live(number) {
            self.late = self.late.saturating_add(units);
            return;
        }
        let node = self.node_mut(number);
        let over = if node.taker.is_some() { units } else { node.span.add(units) };
        self.over = self.over.saturating_add(over);
        self.settle(number);
    }

    /// Changes the total of a share's units; 0 means unknown. Does nothing if the share has ended,
    /// or the job (`is_over`).
    pub fn set_total(&mut self, number: u32, total: u64, is_over: bool) {
        if is_over || !self.is_live(number) {
            return;
        }
        let node = self.node_mut(number);
        let had = node.span.total();
        if had == total || node.taker.is_some() {
            return;
        }
        self.growths += u64::from(had != 0 && (total == 0 || total > had));
        self.node_mut(number).span.set_total(total);
        self.settle(number);
    }

    /// Changes the message of a share. While the share lives, it is shown as the job's message,
    /// unless another live share has a newer one.
    pub fn set_message(&mut self, number: u32, message: &str) -> Result<(), OutOfMemory> {
        replace_string(&mut self.node_mut(number).message, message)?;
        self.tell(number);
        Ok(())
    }

    /// Sets the count of a share, and its message, for a caller that reports the whole count each
    /// time. A report that arrives late is ignored: it has fewer units than the count has, and the
    /// present total or the one before.
    pub fn report(
        &mut self,
        number: u32,
        count: Progress,
        message: Option<&str>,
    ) -> Result<(), OutOfMemory> {
        let Progress { done, total } = count;
        let node = self.node(number);
        let had_total = node.span.total();
        let begins_anew = done < node.span.units() + node.beyond;
        if begins_anew && (total == had_total || total == node.total_before) {
            return Ok(());
        }
        if let Some(message) = message {
            self.set_message(number, message)?;
        }
        if number != ROOT && !self.is_live(number) {
            self.late = self.late.saturating_add(done - self.node(number).span.units().min(done));
            return Ok(());
        }
        if total != had_total {
            self.change_count(number, begins_anew, total);
        }
        let node = self.node_mut(number);
        if node.taker.is_some() {
            node.beyond = done;
            return Ok(());
        }
        node.beyond = node.span.add(done - node.span.units());
        if number != ROOT {
            self.settle(number);
        }
        Ok(())
    }

    /// For `report`: changes the total of a share's count. With `begins_anew`, the share begins
    /// another count from 0, in the room that is left.
    #[cold]
    #[inline(never)]
    fn change_count(&mut self, number: u32, begins_anew: bool, total: u64) {
        let had_total = self.node(number).span.total();
        self.is_divided |= self.node(number).span.units() != 0;
        if begins_anew {
            let node = self.node_mut(number);
            node.span.begin_anew(total);
            node.beyond = 0;
        } else {
            self.set_total(number, total, false);
        }
        self.node_mut(number).total_before = had_total;
    }

    /// Notes that a share has begun at `now_ns`, because its duration is wanted.
    pub fn time(&mut self, number: u32, now_ns: u64) {
        self.node_mut(number).began_ns = now_ns;
    }

    /// The time at which a share began, and its label. `None`: the share's duration is not wanted,
    /// or the share has ended.
    pub fn timed(&self, number: u32) -> Option<(u64, &str)> {
        let node = self.node(number);
        (node.began_ns != 0 && !node.has_ended).then_some((node.began_ns, node.label.as_str()))
    }

    /// Ends a share: its room is filled. If the share had all the room above, a few parts are given
    /// back to the next share that takes that room; all of them if this share has counted nothing.
    /// Shares below count no more.
    pub fn end(&mut self, number: u32, is_over: bool) {
        let Node { span, filled, above, has_ended, .. } = self.node(number);
        let (unfilled, above, had_ended) = (span.room() - filled, *above, *has_ended);
        let has_counted = *filled != 0 || span.units() != 0;
        let is_live = !is_over && self.is_live(number);
        let mut back = 0;
        let node = self.node_mut(above);
        if !had_ended && node.taker == NonZeroU32::new(number) {
            node.taker = None;
            back = node.span.take_back(unfilled, has_counted);
            node.settled -= back;
        }
        if is_live {
            self.fill(number, unfilled - back);
        }
        self.node_mut(number).has_ended = true;
    }

    /// Ends a share that no caller has a handle of any more. Its number is used again when no share
    /// is below it.
    pub fn let_go(&mut self, number: u32, is_over: bool) {
        self.end(number, is_over);
        self.node_mut(number).is_let_go = true;
        let mut number = number;
        while number != ROOT && self.node(number).is_let_go && self.node(number).below == 0 {
            let free = self.free;
            let above = std::mem::replace(&mut self.node_mut(number).above, free);
            let node = self.node_mut(number);
            (node.label, node.message) = (String::new(), String::new());
            node.told = 0;
            self.free = number;
            self.node_mut(above).below -= 1;
            number = above;
        }
    }

    /// The parts of the bar that are filled, of `WHOLE`.
    pub fn filled(&mut self) -> u64 {
        self.settle(ROOT);
        self.root.filled
    }

    /// The parts of the bar to show, of `WHOLE`: all if the job has done all its work
    /// (`is_complete`), and fewer before that.
    pub fn shown(&mut self, is_complete: bool) -> u64 {
        if is_complete { WHOLE } else { self.filled() }
    }

    /// The job's own count if it tells how long the bar is; otherwise the length of the bar in
    /// millionths.
    pub fn count(&mut self, is_complete: bool) -> Progress {
        let span = &self.root.span;
        if !self.is_divided {
            return Progress { done: span.units() + self.root.beyond, total: span.total() };
        }
        let shown = u128::from(self.shown(is_complete)) * u128::from(MILLIONTHS);
        Progress { done: (shown / u128::from(WHOLE)) as u64, total: MILLIONTHS }
    }

    /// Whether the job's own count does not tell how long the bar is.
    pub fn is_divided(&self) -> bool {
        self.is_divided
    }

    /// Units that were counted beyond the total of their share, or in a share whose room another
    /// share has.
    pub fn over(&self) -> u64 {
        self.over.saturating_add(self.root.beyond)
    }

    /// Units that were counted after their share or the job had ended.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// The time until the bar is full, in nanoseconds. `None`: it is unknown, for example because a
    /// live share has no total.
    pub fn time_left_ns(&mut self, now_ns: u64) -> Option<u64> {
        let filled = self.filled();
        self.pace.sample(now_ns, filled, self.growths);
        let is_unknown = |number| {
            let Node { span, taker, .. } = self.node(number);
            span.is_unknown() && taker.is_none() && self.is_live(number)
        };
        if self.numbers().any(is_unknown) {
            return None;
        }
        self.pace.time_left_ns(now_ns)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const WHOLE_BAR: f64 = WHOLE as f64;

    /// The fraction of the room that a reached total leaves free.
    const SPARE: f64 = 1.0 / 1024.0;

    /// A share as it is defined, in fractions of the bar. Nothing in it is carried along from step
    /// to step.
    #[derive(Default)]
    struct Share {
        above: usize,
        room: f64,
        units: u64,
        total: u64,
        from: f64,
        from_units: u64,
        units_before: u64,
        is_open: bool,
        taker: Option<usize>,
        has_ended: bool,
        number: u32,
    }

    impl Share {
        fn straight(&self) -> f64 {
            let left = self.room - self.from;
            let past = (self.units - self.from_units + self.units_before) as f64;
            if self.is_open || self.total == 0 {
                let power = (past + 1.0).log2().floor();
                let doublings = power + (past + 1.0) / power.exp2() - 1.0;
                self.from + left * doublings / (doublings + 4.0)
            } else if self.units >= self.total {
                self.room
            } else {
                self.from + left * past / (self.total - self.from_units) as f64
            }
        }

        fn is_bent(&self) -> bool {
            !self.is_open && self.straight() > self.room * (1.0 - 2.0 * SPARE) + 1e-12
        }

        fn position(&self) -> f64 {
            let straight = self.straight();
            let bend = self.room * (1.0 - 2.0 * SPARE);
            if self.is_bent() { bend + (straight - bend) / 2.0 } else { straight }
        }

        fn set_total(&mut self, total: u64) {
            if self.is_open {
                self.units_before += self.units - self.from_units;
            } else {
                (self.from, self.is_open) = (self.position(), self.is_bent());
            }
            (self.from_units, self.total) = (self.units, total);
        }

        fn hand_over(&mut self) {
            if self.is_open {
                self.units_before += 1;
            } else {
                (self.from, self.is_open) = (self.room, true);
            }
        }
    }

    #[derive(Default)]
    struct Model(Vec<Share>);

    impl Model {
        fn is_live(&self, mut at: usize) -> bool {
            while !self.0[at].has_ended && at != 0 {
                at = self.0[at].above;
            }
            !self.0[at].has_ended
        }

        fn filled(&self, at: usize) -> f64 {
            if self.0[at].has_ended {
                return self.0[at].room;
            }
            let below = (1..self.0.len()).filter(|child| self.0[*child].above == at);
            let open: f64 = below.map(|child| self.0[child].room - self.filled(child)).sum();
            self.0[at].position() - open
        }

        fn end(&mut self, at: usize) {
            let unfilled = self.0[at].room - self.filled(at);
            let above = self.0[at].above;
            let has_counted = self.0[at].units != 0 || self.filled(at) != 0.0;
            if !self.0[at].has_ended && self.0[above].taker == Some(at) {
                let above = &mut self.0[above];
                let is_whole = above.from == above.room;
                let back = match (is_whole, has_counted) {
                    (true, true) => (above.room * SPARE).min(unfilled),
                    (true, false) => unfilled,
                    (false, _) => 0.0,
                };
                above.is_open = !is_whole || has_counted;
                (above.taker, above.from) = (None, above.from - back);
                self.0[at].room -= back;
            }
            self.0[at].has_ended = true;
        }

        /// Adds units to a live share, unless another share has its room.
        fn add(&mut self, at: usize, units: u64) {
            let share = &mut self.0[at];
            if share.taker.is_none() {
                let most = if share.total == 0 { u64::MAX } else { share.total.max(share.units) };
                share.units += units.min(most - share.units);
            }
        }
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, most: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 20) % most
        }
    }

    fn begin(tree: &mut Tree, model: &mut Model, above: usize, room: Room, total: u64) {
        let number = tree.begin(model.0[above].number, room, total, "a share").unwrap();
        let before = model.0[above].position();
        if model.is_live(above) {
            let below = model.0.len();
            let share = &mut model.0[above];
            match room {
                Room::Units(units) => model.add(above, units),
                Room::WholeStep
                    if share.taker.is_none() && share.units == 0 && share.total == 0 =>
                {
                    share.hand_over();
                    share.taker = Some(below);
                }
                Room::WholeStep => (),
            }
        }
        let room = model.0[above].position() - before;
        model.0.push(Share { above, room, total, number, ..Share::default() });
    }

    fn root() -> Share {
        Share { room: 1.0, number: ROOT, ..Share::default() }
    }

    #[test]
    fn whatever_happens_a_bar_is_what_its_shares_are_and_never_falls() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..4000 {
            let (mut tree, mut model) = (Tree::new(0), Model(vec![root()]));
            let mut before = 0;
            for _ in 0..60 {
                let at = random.below(model.0.len() as u64) as usize;
                let number = model.0[at].number;
                let is_live = model.is_live(at);
                match random.below(10) {
                    0 if model.0.len() < 12 => {
                        let units = random.below(30);
                        let total = random.below(20);
                        begin(&mut tree, &mut model, at, Room::Units(units), total);
                    }
                    1 if model.0.len() < 12 => {
                        let total = random.below(20);
                        begin(&mut tree, &mut model, at, Room::WholeStep, total);
                    }
                    2 => {
                        let total = random.below(40);
                        tree.set_total(number, total, false);
                        let share = &mut model.0[at];
                        if is_live && share.taker.is_none() && total != share.total {
                            share.set_total(total);
                        }
                    }
                    3 if at != 0 => {
                        tree.end(number, false);
                        model.end(at);
                    }
                    _ => {
                        let units = random.below(9);
                        tree.add(number, units, false);
                        if is_live {
                            model.add(at, units);
                        }
                    }
                }
                let filled = tree.filled();
                assert!(before <= filled && filled < WHOLE, "it fell");
                before = filled;
                let expected = model.filled(0);
                let shown = filled as f64 / WHOLE_BAR;
                assert!((shown - expected).abs() < 1e-9, "{shown}, not {expected}");
            }
        }
    }

    #[test]
    fn steps_that_all_end_fill_it_to_the_last_part() {
        let mut tree = Tree::new(0);
        let all = tree.begin(ROOT, Room::WholeStep, 7, "all").unwrap();
        for _ in 0..7 {
            let step = tree.begin(all, Room::Units(1), 13, "step").unwrap();
            for _ in 0..13 {
                let inner = tree.begin(step, Room::Units(1), 49, "inner").unwrap();
                (0..49).for_each(|_| tree.add(inner, 1, false));
                tree.let_go(inner, false);
            }
            tree.let_go(step, false);
        }
        tree.let_go(all, false);
        // The rest is left for a share that comes later.
        let all_of_it = WHOLE - WHOLE / 1024;
        assert_eq!((tree.filled(), tree.over(), tree.late()), (all_of_it, 0, 0));
        assert_eq!(tree.shown(false), all_of_it);
        assert_eq!(tree.shown(true), WHOLE);
        assert_eq!(tree.shares.len(), 3, "nodes are used again");
    }

    #[test]
    fn who_counts_twice_is_not_shown_twice() {
        let mut tree = Tree::new(0);
        let step = tree.begin(ROOT, Room::WholeStep, 0, "step").unwrap();
        let first = tree.begin(step, Room::WholeStep, 10, "first").unwrap();
        let second = tree.begin(step, Room::WholeStep, 10, "second").unwrap();
        tree.add(second, 5, false);
        tree.add(step, 5, false);
        assert_eq!((tree.filled(), tree.over()), (0, 5));
        tree.add(first, 5, false);
        assert_eq!(tree.filled(), WHOLE / 2);
        tree.add(first, 9, false);
        let reached = WHOLE - WHOLE / 1024;
        assert_eq!((tree.filled(), tree.over()), (reached, 9));
    }

    #[test]
    fn who_comes_after_one_that_has_ended_fills_what_that_has_left() {
        let mut tree = Tree::new(0);
        let mut before = 0;
        for library in 0..100 {
            let silent = tree.begin(ROOT, Room::WholeStep, 0, "it counts nothing").unwrap();
            tree.let_go(silent, false);
            let is_first = library == 0;
            assert!(!is_first || tree.filled() == 0, "it has left all");
            before = tree.filled();
            let share = tree.begin(ROOT, Room::WholeStep, 4, "library").unwrap();
            for _ in 0..4 {
                tree.add(share, 1, false);
                assert!(before < tree.filled() && tree.filled() < WHOLE, "{library}");
                before = tree.filled();
            }
            tree.let_go(share, false);
        }
        for done in 1..=40 {
            tree.report(ROOT, Progress { done, total: 40 }, None).unwrap();
            assert!(before < tree.filled() && tree.filled() < WHOLE, "the job itself, {done}");
            before = tree.filled();
        }
        assert_eq!(tree.over(), 0);
    }

    #[test]
    fn what_is_counted_after_the_end_is_late() {
        let mut tree = Tree::new(0);
        let step = tree.begin(ROOT, Room::Units(1), 0, "step").unwrap();
        let inner = tree.begin(step, Room::WholeStep, 10, "inner").unwrap();
        tree.end(step, false);
        let filled = tree.filled();
        tree.add(inner, 3, false);
        tree.set_total(inner, 1, false);
        tree.end(inner, false);
        assert_eq!((tree.filled(), tree.late()), (filled, 3));
        tree.add(ROOT, 4, true);
        assert_eq!(tree.late(), 7);
        // A node below keeps the node above from being used again.
        tree.let_go(step, false);
        let other = tree.begin(ROOT, Room::Units(1), 0, "other").unwrap();
        assert_ne!(other, step);
        tree.let_go(inner, false);
        let reused = [0, 0].map(|_| tree.begin(other, Room::Units(1), 0, "again").unwrap());
        assert_eq!(reused, [step, inner]);
    }

    #[test]
    fn one_counter_is_told_as_it_is_and_its_total_never_makes_the_bar_fall() {
        let mut tree = Tree::new(0);
        let mut report = |done, total| {
            tree.report(ROOT, Progress { done, total }, None).unwrap();
            let Progress { done, total } = tree.count(false);
            (done, total)
        };
        assert_eq!(report(2, 4), (2, 4));
        assert_eq!(report(1, 4), (2, 4), "a slower worker");
        assert_eq!(report(9, 4), (9, 4), "beyond");
        assert_eq!(report(8, 4), (9, 4), "a slower worker");
        assert_eq!(report(9, 4), (9, 4));
        let mut tree = Tree::new(0);
        let mut report = |done, total| {
            tree.report(ROOT, Progress { done, total }, None).unwrap();
            tree.count(false)
        };
        report(90, 100);
        let more = report(91, 10_000);
        assert_eq!(more, Progress { done: 900_010, total: MILLIONTHS });
        assert_eq!(report(90, 100), more, "a slower worker");
        let anew = report(1, 4);
        assert_eq!(anew.done, 900_010 + 99_990 / 4, "another count shares what is left");
    }

    #[test]
    fn the_message_that_was_new_last_is_shown_behind_its_labels() {
        let mut tree = Tree::new(0);
        let shown = |tree: &Tree| tree.show_text(str::to_owned);
        tree.report(ROOT, Progress::default(), Some("root")).unwrap();
        assert_eq!(shown(&tree), "root");
        let export = tree.begin(ROOT, Room::Units(1), 0, "Export").unwrap();
        assert_eq!(shown(&tree), "Export");
        let textures = tree.begin(export, Room::WholeStep, 0, "Textures").unwrap();
        tree.set_message(textures, "4k.exr").unwrap();
        assert_eq!(shown(&tree), "Export > Textures > 4k.exr");
        tree.set_message(export, "writing").unwrap();
        assert_eq!(shown(&tree), "Export > writing");
        tree.end(export, false);
        assert_eq!(shown(&tree), "root", "the others have ended");
        let mut deep = ROOT;
        for _ in 0..40 {
            deep = tree.begin(deep, Room::Units(1), 0, "d").unwrap();
        }
        assert_eq!(shown(&tree), ["d"; 16].join(" > "));
    }

    #[test]
    fn time_is_unknown_while_a_total_is() {
        const SECOND: u64 = 1_000_000_000;
        let mut tree = Tree::new(SECOND);
        let share = tree.begin(ROOT, Room::WholeStep, 100, "share").unwrap();
        let mut left = None;
        for second in 2..22 {
            tree.add(share, 1, false);
            left = tree.time_left_ns(second * SECOND);
        }
        assert_eq!(left.map(|ns| ns / SECOND), Some(80));
        tree.set_total(share, 0, false);
        tree.add(share, 1, false);
        assert_eq!(tree.time_left_ns(40 * SECOND), None);
        tree.set_total(share, 200, false);
        assert_eq!(tree.time_left_ns(41 * SECOND), None, "it was unknown just now");
    }
}
