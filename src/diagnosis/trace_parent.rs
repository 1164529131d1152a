//! The `traceparent` of W3C's Trace Context, which names a span of a distributed trace.

/// Bytes of a `traceparent` of version 00.
pub const TRACE_PARENT: usize = 55;

/// The span that some work is for, as the `traceparent` text that the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent([u8; TRACE_PARENT]);

impl TraceParent {
    /// Parses a text; `None` if it is not a `traceparent`. Text that later versions of the format
    /// append is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let (own, more) = text.as_bytes().split_first_chunk::<TRACE_PARENT>()?;
        let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
        let has_form = own.iter().enumerate().all(|(at, byte)| match at {
            2 | 35 | 52 => *byte == b'-',
            _ => is_hex(byte),
        });
        let version = &own[..2];
        let may_go_on = version != b"00" && more.first() == Some(&b'-');
        let is_one = has_form
            && version != b"ff"
            && (more.is_empty() || may_go_on)
            && !is_zero(&own[3..35])
            && !is_zero(&own[36..52]);
        is_one.then_some(Self(*own))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_has_another_form_is_none() {
        assert_eq!(TraceParent::parse(ONE).unwrap().as_str(), ONE);
        let later = ONE.replacen("00", "cc", 1);
        assert_eq!(TraceParent::parse(&later).unwrap().as_str(), later);
        let longer = format!("{later}-what comes then");
        assert_eq!(TraceParent::parse(&longer).unwrap().as_str(), later);
        for none in [
            "",
            "00",
            &ONE[..54],
            &format!("{ONE}-more"),
            &format!("{later}more"),
            &ONE.replacen("00", "ff", 1),
            &ONE.replace('b', "B"),
            &ONE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &ONE.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &ONE.replacen('-', "_", 1),
            &ONE.replacen("00-4", "00-ä", 1),
        ] {
            assert_eq!(TraceParent::parse(none), None, "{none}");
        }
    }
}
