//! Models of tokens of all: such a token is cancelled when all parents that it waits for have left.

use super::*;
use dcc_cancel::token::all::Joined;

fn leave(library: &Library, parent: Handle, by_cancel: bool) {
    if by_cancel {
        cancel(library.tokens(), parent).unwrap();
    }
    library.tokens().release(parent).unwrap();
}

/// Two leave at a time, by a cancel or by being no more: one of them is the last, and cancels.
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

/// One joins while the only parent leaves: it is in time, and then the token goes on, or is told that it is
/// not.
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

/// The token is let go of while its parent leaves: what leaves finds it, or finds that it is no more.
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
            // Whoever has its slot next is not cancelled by what left before.
            let next = create(tokens);
            thread.join().unwrap();
            assert!(!is_cancelled(tokens, next), "another's cancel");
            tokens.release(next).unwrap();
            assert_empty(&library);
        });
    }
}
