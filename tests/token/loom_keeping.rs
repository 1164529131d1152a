//! Models of registrations that keep their token, of deadlines that a cancel disarms, and of the
//! way up to a token's ancestors.

use super::*;

fn register_keeping(library: &Library, token: Handle, plugin: &Arc<Plugin>) -> Option<Handle> {
    match library.tokens().register_at(token, callback(plugin), 0, Tie::Keeping) {
        Ok(registration) => Some(registration),
        Err((Error::InvalidHandle(..), callback)) => {
            callback.into_payload().destroy();
            None
        }
        Err((error, _)) => panic!("{error}"),
    }
}

/// Checks that a wait ended because nothing could cancel its token any more, and that the
/// registration with that token was never called.
fn assert_gone(
    library: &Library,
    waited: &Result<Waited, Error>,
    registration: Handle,
    plugin: &Plugin,
) {
    match waited {
        Ok(Waited::Gone(0)) | Err(Error::InvalidHandle(..)) => (),
        other => panic!("{other:?}"),
    }
    assert_eq!(library.tokens().unregister(registration, true), Ok(Unregistered::Done));
    assert_eq!(plugin.calls(), (0, 0, 1));
    assert_empty(library);
}

fn child_of(tokens: &Tokens, parent: Handle) -> Handle {
    tokens.create([parent], Origin::default(), Holder::Owner).unwrap()
}

fn arm(tokens: &Tokens, token: Handle, time_ns: u64) -> Option<bool> {
    tokens.arm(&TokenPin::new(tokens, token).unwrap(), time_ns).unwrap()
}

/// The token has no owner any more, but its parent is cancelled while the registration keeps it.
#[test]
fn release_x_cancel_of_a_parent() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens);
        let token = child_of(tokens, parent);
        let plugin = Arc::new(Plugin::default());
        let registration = register_keeping(&library, token, &plugin).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().release(token).unwrap());
        assert_eq!(cancel(tokens, parent), Some(true));
        assert_eq!(plugin.calls(), (1, 1, 1));
        thread.join().unwrap();
        assert_eq!(tokens.unregister(registration, true), Ok(Unregistered::Done));
        tokens.release(parent).unwrap();
        assert_empty(&library);
    });
}

/// A registration keeps the token, or is refused because the token is gone.
#[test]
fn register_x_release() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens);
        let token = child_of(tokens, parent);
        let plugin = Arc::new(Plugin::default());
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().release(token).unwrap());
        let registration = register_keeping(&library, token, &plugin);
        thread.join().unwrap();
        cancel(tokens, parent).unwrap();
        let called = u32::from(registration.is_some());
        assert_eq!(plugin.calls(), (called, called, 1));
        if let Some(registration) = registration {
            tokens.unregister(registration, true).unwrap();
        }
        tokens.release(parent).unwrap();
        assert_empty(&library);
    });
}

/// The last owner, the registration and a cancel's walk let go of the token at the same time.
#[test]
fn unregister_x_release_x_cancel_of_a_parent() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens);
        let token = child_of(tokens, parent);
        let plugin = Arc::new(Plugin::default());
        let registration = register_keeping(&library, token, &plugin).unwrap();
        let (other, canceller) = (library.clone(), library.clone());
        let releaser = thread::spawn(move || other.tokens().release(token).unwrap());
        let canceller = thread::spawn(move || cancel(canceller.tokens(), parent).unwrap());
        let called = match tokens.unregister(registration, true) {
            Ok(Unregistered::Removed) => 0,
            Ok(Unregistered::Done) => 1,
            other => panic!("{other:?}"),
        };
        assert_eq!(plugin.calls(), (called, called, 1));
        releaser.join().unwrap();
        canceller.join().unwrap();
        tokens.release(parent).unwrap();
        assert_empty(&library);
    });
}

/// If only such registrations keep a token, and nothing can cancel it, waits for it end as gone.
#[test]
fn wait_x_release_without_a_source() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let registration = register_keeping(&library, token, &plugin).unwrap();
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[token], None, Asker::default()));
        tokens.release(token).unwrap();
        assert_gone(&library, &thread.join().unwrap(), registration, &plugin);
    });
}

/// The same if its deadline, the only thing that could cancel it, is cleared.
#[test]
fn wait_x_end_of_its_deadline() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let registration = register_keeping(&library, token, &plugin).unwrap();
        assert_eq!(arm(tokens, token, 5), Some(false));
        tokens.release(token).unwrap();
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[token], None, Asker::default()));
        let pin = TokenPin::new(tokens, token).unwrap();
        assert!(tokens.disarm(&pin));
        drop(pin);
        assert_gone(&library, &thread.join().unwrap(), registration, &plugin);
    });
}

/// The last owner, the unregister and the end of the only source let go of the token at the same
/// time: it dies once.
#[test]
fn unregister_x_release_x_end_of_its_deadline() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let registration = register_keeping(&library, token, &plugin).unwrap();
        assert_eq!(arm(tokens, token, 5), Some(false));
        let (other, releaser) = (library.clone(), library.clone());
        let ender = thread::spawn(move || {
            if let Ok(pin) = TokenPin::new(other.tokens(), token) {
                other.tokens().disarm(&pin);
            }
        });
        let releaser = thread::spawn(move || releaser.tokens().release(token).unwrap());
        tokens.unregister(registration, true).unwrap();
        releaser.join().unwrap();
        ender.join().unwrap();
        assert_eq!(plugin.calls(), (0, 0, 1));
        assert_empty(&library);
    });
}

/// In either order, the registration and the deadline together keep the token until the deadline
/// has passed.
#[test]
fn register_x_arm() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let other = library.clone();
        let thread = thread::spawn(move || arm(other.tokens(), token, 5));
        let registration = register_keeping(&library, token, &plugin).unwrap();
        thread.join().unwrap();
        tokens.release(token).unwrap();
        tokens.expire(5);
        while let Some(work) = tokens.take_deferred() {
            assert_eq!(tokens.do_deferred(work), None);
        }
        assert_eq!(plugin.calls(), (1, 1, 1));
        assert_eq!(tokens.unregister(registration, true), Ok(Unregistered::Done));
        assert_empty(&library);
    });
}

/// No deadline stays armed on a cancelled token, in either order.
#[test]
fn arm_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens);
        let token = child_of(tokens, parent);
        let other = library.clone();
        let thread = thread::spawn(move || arm(other.tokens(), token, 5));
        cancel(tokens, parent).unwrap();
        assert_ne!(thread.join().unwrap(), Some(true));
        assert_eq!(tokens.deadlines().count(), 0, "armed although it is cancelled");
        [token, parent].iter().for_each(|token| tokens.release(*token).unwrap());
        assert_empty(&library);
    });
}

/// A search for a parent's deadline does not take the next token in the parent's slot for the
/// parent.
#[test]
fn deadline_x_cancel_x_next_of_its_slot() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens);
        let token = child_of(tokens, parent);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            cancel(tokens, parent).unwrap();
            tokens.release(parent).unwrap();
            let next = create(tokens);
            arm(tokens, next, 5);
            next
        });
        let pin = TokenPin::new(tokens, token).unwrap();
        let any = create(tokens);
        arm(tokens, any, 7);
        assert_eq!(tokens.deadline(&pin), Ok(None), "of another token");
        drop(pin);
        let next = thread.join().unwrap();
        [token, next, any].iter().for_each(|token| tokens.release(*token).unwrap());
        assert_empty(&library);
    });
}
