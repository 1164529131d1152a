//! Models of the end of a job while objects are made below it. Such an object goes on without the
//! job, or is left to the job's parent.

use super::*;

/// A job that was created while another was current; `outer` is the other one's token.
fn job_inside(library: &Library, outer: Handle) -> (Handle, Handle) {
    job_from(library, outer, Origin { is_implied: true, ..Origin::default() })
}

/// The inner job is not cancelled when the ended outer job lets go of it.
#[test]
fn seal_x_end_of_an_outer_job() {
    model(3, || {
        let library = Arc::new(Library::new());
        let (outer, outer_token) = job(&library, NULL);
        let (inner, _) = job_inside(&library, outer_token);
        let thread = end_elsewhere(&library, outer);
        assert_eq!(seal(&library, inner), JobSealed::Yes, "nobody has cancelled it");
        thread.join().unwrap();
        assert_eq!(library.tokens().arena().live(), 1, "the ended one is gone");
        library.jobs().release(inner).unwrap();
        assert_empty(&library);
    });
}

/// A cancel that came before the end of the outer job reaches the inner one.
#[test]
fn cancel_x_end_of_an_outer_job() {
    model(3, || {
        let library = Arc::new(Library::new());
        let (outer, outer_token) = job(&library, NULL);
        let (inner, token) = job_inside(&library, outer_token);
        let other = library.clone();
        let walk = thread::spawn(move || cancel(other.tokens(), outer_token));
        while !is_cancelled(library.tokens(), outer_token) {
            thread::yield_now();
        }
        end(&library, outer, JobState::Cancelled);
        assert!(walk.join().unwrap());
        assert!(is_cancelled(library.tokens(), token), "the cancel came down");
        library.jobs().release(outer).unwrap();
        library.jobs().release(inner).unwrap();
        assert_empty(&library);
    });
}

/// A token that dies while the ended job lets go of it is buried once, and its slot is used again
/// at once.
#[test]
fn release_x_end_of_an_outer_job_x_next_of_its_slot() {
    model(3, || {
        let library = Arc::new(Library::new());
        let (outer, outer_token) = job(&library, NULL);
        let (inner, _) = job_inside(&library, outer_token);
        let other = library.clone();
        let thread = thread::spawn(move || {
            other.jobs().release(inner).unwrap();
            let parent = create(other.tokens(), &[]);
            let child = create(other.tokens(), &[parent]);
            assert!(cancel(other.tokens(), parent));
            assert!(is_cancelled(other.tokens(), child), "in its parent's list");
            other.tokens().release(child).unwrap();
            other.tokens().release(parent).unwrap();
        });
        end(&library, outer, JobState::Completed);
        thread.join().unwrap();
        library.jobs().release(outer).unwrap();
        assert_empty(&library);
    });
}

/// A library with the token of a request, as far as a seal needs one.
fn with_request() -> (Arc<Library>, Handle) {
    let library = Arc::new(Library::new());
    let watched = Origin { is_watched: true, ..Origin::default() };
    let request = library.tokens().create([], watched, Holder::Owner).unwrap();
    (library, request)
}

/// Ends and releases a job on a thread of its own.
fn end_elsewhere(library: &Arc<Library>, job: Handle) -> thread::JoinHandle<()> {
    let other = library.clone();
    thread::spawn(move || {
        end(&other, job, JobState::Completed);
        other.jobs().release(job).unwrap();
    })
}

/// Releases all these jobs and tokens.
fn release(library: &Library, jobs: &[Handle], tokens: &[Handle]) {
    for job in jobs {
        library.jobs().release(*job).unwrap();
    }
    for token in tokens {
        library.tokens().release(*token).unwrap();
    }
    assert_empty(library);
}

/// The ended job is freed at once; a cancel from above still reaches the inner one, in either
/// order.
#[test]
fn cancel_x_end_below_a_request() {
    model(2, || {
        let (library, request) = with_request();
        let tokens = library.tokens();
        let (outer, outer_token) = job(&library, request);
        let (inner, token) = job_inside(&library, outer_token);
        let thread = end_elsewhere(&library, outer);
        assert!(cancel(tokens, request));
        thread.join().unwrap();
        assert!(is_cancelled(tokens, token), "the cancel came down");
        assert_eq!(tokens.arena().live(), 2, "the ended one is gone");
        release(&library, &[inner], &[request]);
    });
}

/// The request learns that the inner job has committed, whichever way leads to it.
#[test]
fn seal_x_end_below_a_request() {
    model(3, || {
        let (library, request) = with_request();
        let (outer, outer_token) = job(&library, request);
        let (inner, _) = job_inside(&library, outer_token);
        let other = library.clone();
        let thread = thread::spawn(move || end(&other, outer, JobState::Completed));
        assert_eq!(seal(&library, inner), JobSealed::Yes, "nobody has cancelled it");
        thread.join().unwrap();
        release(&library, &[outer, inner], &[request]);
    });
}

/// A token that dies while it is left to the request is removed from the request's list.
#[test]
fn release_x_end_below_a_request() {
    model(3, || {
        let (library, request) = with_request();
        let tokens = library.tokens();
        let (outer, outer_token) = job(&library, request);
        let implied = Origin { is_watched: true, is_implied: true, ..Origin::default() };
        let inner = tokens.create([outer_token], implied, Holder::Owner).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().release(inner).unwrap());
        end(&library, outer, JobState::Completed);
        thread.join().unwrap();
        release(&library, &[outer], &[request]);
    });
}

/// The deadline of an ancestor is found while the way to it becomes shorter.
#[test]
fn deadline_x_end_below_a_request() {
    model(3, || {
        let (library, request) = with_request();
        let tokens = library.tokens();
        tokens.arm(&TokenPin::new(tokens, request).unwrap(), 5).unwrap();
        let (outer, outer_token) = job(&library, request);
        let (inner, token) = job_inside(&library, outer_token);
        let thread = end_elsewhere(&library, outer);
        let deadline = tokens.deadline(&TokenPin::new(tokens, token).unwrap());
        assert_eq!(deadline, Ok(Some(5)), "that of the request");
        thread.join().unwrap();
        release(&library, &[inner], &[request]);
    });
}

/// An ended job leaves nothing to a parent that it has left itself.
#[test]
fn end_x_end_of_the_parent_x_cancel_of_that() {
    model(2, || {
        let (library, request) = with_request();
        let tokens = library.tokens();
        let (first, first_token) = job(&library, request);
        let (second, second_token) = job_inside(&library, first_token);
        let (third, token) = job_inside(&library, second_token);
        let other = library.clone();
        let thread = thread::spawn(move || {
            end(&other, first, JobState::Completed);
            cancel(other.tokens(), first_token)
        });
        end(&library, second, JobState::Completed);
        thread.join().unwrap();
        cancel(tokens, request);
        assert!(is_cancelled(tokens, token), "what is above all of them came down");
        release(&library, &[first, second, third], &[request]);
    });
}
