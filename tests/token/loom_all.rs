//! Models of tokens of all: such a token is cancelled when all parents that it waits for have left.

use super::*;
use dcc_cancel::token::all::Joined;

fn leave(library: &Library, parent: Handle, by_cancel: bool) {
    if by_cancel {
        cancel(library.tokens(), parent).unwrap();
    }
    library.tokens().release(parent).unwrap();
}

/// Two parents leave at the same time, by a cancel or by being freed: one of them is the last, and
/// cancels the token.
#[test]
fn leave_x_leave() {
    for ways in [[true, true], [true, false], [false, false]] {
        model(2, move || {
            let library = Arc::new(Library::new());
            let tokens = library.tokens();
            let parents = [create(tokens), create(tokens)];
            let token = tokens.create_all(&parents).unwrap();
            let other = library.clone();
            let thread = thread::spawn(move || leave(&other, parents[1], ways[1]));
            leave(&library, parents[0], ways[0]);
            thread.join().unwrap();
            assert!(is_cancelled(tokens, token), "nobody was the last");
            tokens.release(token).unwrap();
            assert_empty(&library);
        });
    }
}

/// A parent joins while the only present parent leaves: either it is in time and the token goes on,
/// or it is told that it is too late.
#[test]
fn join_x_leave() {
    for by_cancel in [true, false] {
        model(2, move || {
            let library = Arc::new(Library::new());
            let tokens = library.tokens();
            let (parent, late) = (create(tokens), create(tokens));
            let token = tokens.create_all(&[parent]).unwrap();
            let other = library.clone();
            let thread = thread::spawn(move || leave(&other, parent, by_cancel));
            let joined = tokens.join(&TokenPin::new(tokens, token).unwrap(), late).unwrap();
            thread.join().unwrap();
            assert_eq!(is_cancelled(tokens, token), joined == Joined::TooLate);
            leave(&library, late, by_cancel);
            assert!(is_cancelled(tokens, token), "the last one has left");
            tokens.release(token).unwrap();
            assert_empty(&library);
        });
    }
}

/// The token is released while its parent leaves: the parent finds the token, or finds that it is
/// gone.
#[test]
fn leave_x_release_of_all() {
    for by_cancel in [true, false] {
        model(3, move || {
            let library = Arc::new(Library::new());
            let tokens = library.tokens();
            let parent = create(tokens);
            let token = tokens.create_all(&[parent]).unwrap();
            let other = library.clone();
            let thread = thread::spawn(move || leave(&other, parent, by_cancel));
            tokens.release(token).unwrap();
            // The next token in the slot is not cancelled by a parent that left before.
            let next = create(tokens);
            thread.join().unwrap();
            assert!(!is_cancelled(tokens, next), "another's cancel");
            tokens.release(next).unwrap();
            assert_empty(&library);
        });
    }
}
