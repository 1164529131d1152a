//! What tests send to a server or client that speaks JSON-RPC, over any transport, and what they
//! receive from it.

use serde_json::{Value, json};

/// The other side of a connection.
pub trait JsonRpcPeer {
    /// Sends a message.
    fn send(&mut self, message: &Value);

    /// Waits for the next message, which must be JSON.
    fn next(&mut self) -> Value;

    /// Sends a request.
    fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let id = id.into();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    /// Cancels a request by the notification of MCP.
    fn cancel(&mut self, id: impl Into<Value>, reason: &str) {
        let params = json!({"requestId": id.into(), "reason": reason});
        self.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}),
        );
    }

    /// Waits for the next message that is not about progress.
    fn next_answer(&mut self) -> Value {
        loop {
            let message = self.next();
            if message["method"] != "notifications/progress" {
                return message;
            }
        }
    }

    /// Waits until the progress of the request with this id is above 0, and returns it. Progress of
    /// other requests is skipped. No answer may arrive meanwhile.
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
