//! What tests say to whoever talks JSON-RPC, by whatever way, and hear from him.

use serde_json::{Value, json};

/// The other side of a connection.
pub trait JsonRpcPeer {
    /// Sends a message.
    fn send(&mut self, message: &Value);

    /// The next message, which is JSON.
    fn next(&mut self) -> Value;

    /// Sends a request.
    fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let id = id.into();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    /// Cancels a request in MCP's words.
    fn cancel(&mut self, id: impl Into<Value>, reason: &str) {
        let params = json!({"requestId": id.into(), "reason": reason});
        self.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}),
        );
    }

    /// The next message that is about no progress.
    fn next_answer(&mut self) -> Value {
        loop {
            let message = self.next();
            if message["method"] != "notifications/progress" {
                return message;
            }
        }
    }

    /// How far the request with this id is, as soon as that is more than 0. Other requests' progress is left
    /// out; there must be no answers meanwhile.
    fn progress_of(&mut self, id: impl Into<Value>) -> f64 {
        let id = id.into();
        loop {
            let message = self.next();
            assert_eq!(message["method"], "notifications/progress", "{message}");
            let progress = message["params"]["progress"].as_f64().unwrap();
            if message["params"]["progressToken"] == id && progress > 0.0 {
                return progress;
            }
        }
    }
}
