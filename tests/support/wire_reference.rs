//! A second parser for messages, slow and plain: it builds the whole message as a tree and looks at
//! that afterwards.

use dcc_cancel::json_rpc::request_id::RequestId;
use dcc_cancel::json_rpc::wire::{Cancel, MAX_BATCH};
use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// What the tree says about a message or a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is well-formed and has these cancellations.
    Cancels(Vec<Cancel>),
    /// It is not JSON.
    NotJson,
    /// Well-formed messages that a tree cannot hold: too deep, with too large numbers, or with half
    /// surrogate pairs.
    NoTree,
}

/// As `serde_json::Value`, but keeps keys that occur twice.
enum Node {
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
    Scalar(Value),
}

pub fn reading(bytes: &[u8]) -> Reading {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reading::NotJson };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str(text) {
        Ok(Node::List(batch)) => {
            Reading::Cancels(batch.iter().take(MAX_BATCH).filter_map(cancel).collect())
        }
        Ok(message) => Reading::Cancels(cancel(&message).into_iter().collect()),
        Err(error) => {
            let error = error.to_string();
            let no_tree =
                ["recursion limit", "number out of range", "surrogate", "end of hex escape"];
            if no_tree.iter().any(|why| error.contains(why)) {
                Reading::NoTree
            } else {
                Reading::NotJson
            }
        }
    }
}

fn cancel(message: &Node) -> Option<Cancel> {
    let method = message.only("method")?.text()?;
    let id_name = match method {
        "notifications/cancelled" | "$/cancel_request" => "requestId",
        "$/cancelRequest" => "id",
        _ => return None,
    };
    if message.count("id") > 0 && !matches!(message.only("id")?, Node::Scalar(Value::Null)) {
        return None;
    }
    let params = message.only("params")?;
    let id = match params.only(id_name)? {
        Node::Scalar(Value::Number(number)) => RequestId::integer(number.as_i64()?),
        Node::Scalar(Value::String(text)) => RequestId::text(text).ok()?,
        _ => return None,
    };
    let reason = match params.count("reason") {
        0 => None,
        _ => params.only("reason")?.text().map(shown),
    };
    let wants_answer = method != "notifications/cancelled";
    Some(Cancel { id, reason: reason.filter(|reason| !reason.is_empty()), wants_answer })
}

fn shown(reason: &str) -> String {
    const SPACES: &str = "\t\n\u{b}\u{c}\r\u{85}\u{2028}\u{2029}";
    const TURNS: &str = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\
                         \u{2067}\u{2068}\u{2069}\u{feff}";
    let spaced = reason.replace(|character| SPACES.contains(character), " ");
    let stays = |character: &char| !TURNS.contains(*character) && !character.is_control();
    let mut shown: String = spaced.chars().filter(stays).collect();
    shown.truncate(shown.floor_char_boundary(4096));
    shown
}

impl Node {
    fn count(&self, name: &str) -> usize {
        match self {
            Self::Object(members) => members.iter().filter(|(key, _)| key == name).count(),
            _ => 0,
        }
    }

    fn only(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Object(members) if self.count(name) == 1 => {
                members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(value) => value.as_str(),
            _ => None,
        }
    }
}

impl<'m> Deserialize<'m> for Node {
    fn deserialize<D: Deserializer<'m>>(parser: D) -> Result<Self, D::Error> {
        struct Nodes;

        impl<'m> Visitor<'m> for Nodes {
            type Value = Node;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_seq<A: SeqAccess<'m>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut nodes = Vec::new();
                while let Some(node) = list.next_element()? {
                    nodes.push(node);
                }
                Ok(Node::List(nodes))
            }

            fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Node::Object(members))
            }
        }

        parser.deserialize_any(Nodes)
    }
}
