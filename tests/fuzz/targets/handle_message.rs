//! Hands any bytes to a session as a message of a peer.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz -s address handle_message -- \
//!     -dict=tests/fuzz/message.dict`

#![no_main]

#[path = "../../support/peer_reference.rs"]
mod peer_reference;
#[path = "../../support/wire_reference.rs"]
mod wire_reference;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The planted bug: a DEL ends a message.
    let is_planted = |byte: &u8| cfg!(feature = "planted") && *byte == 0x7f;
    let sent = bytes.split(is_planted).next().unwrap_or_default();
    peer_reference::check_as(sent, bytes);
});
