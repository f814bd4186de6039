//! An HTTP filter in Rust without crates: a service is asked before a request goes on, and who would wait too long for it is
//! told so.
//!
//! ```yaml
//! http_filters:
//!   - name: admission
//!     typed_config: { cluster: gate, path: /enter, patience_ms: 200 }
//!   - { name: mux }
//! ```
//!
//! The service gets the path in `x-path`. 200 lets the request in, with its field `x-ticket`; anything else is a 403.

struct Admission {
    cluster: String,
    path: String,
    patience_ms: u64,
}

impl weir::Config for Admission {
    fn load(node: weir::Node<'_>) -> Option<Self> {
        if !node.is_map() {
            return node.fail("admission needs cluster, path and patience_ms");
        }
        let (cluster, path) = (node.get("cluster"), node.get("path"));
        let patience = node.get("patience_ms").integer(1, 60_000);
        let (cluster, place) = (cluster.string(), path.string());
        if place.as_ref().map_or(false, |place| !place.starts_with('/')) {
            return path.fail("path begins with '/'");
        }
        Some(Admission { cluster: cluster?, path: place?, patience_ms: patience? as u64 })
    }
}

struct Filter {
    config: &'static Admission,
    // Both are ours to keep: what is dropped does not come any more.
    question: Option<weir::Callout>,
    patience: Option<weir::Timer>,
}

impl Filter {
    fn ask(&self, stream: &weir::Stream) -> Option<(weir::Callout, weir::Timer)> {
        let path = stream.path();
        let fields = [("x-path", path.as_slice())];
        let request = weir::Request {
            fields: &fields,
            timeout_ms: 60_000,
            ..weir::Request::get(&self.config.cluster, &self.config.path)
        };
        let timer = stream.timer(0)?;
        timer.set(self.config.patience_ms);
        Some((stream.callout(0, &request)?, timer))
    }
}

impl weir::HttpFilter for Filter {
    type Config = Admission;
    const HOOKS: u32 = weir::REQUEST_HEADERS;

    fn new(config: &'static Admission) -> Self {
        Filter { config, question: None, patience: None }
    }

    fn request_headers(&mut self, stream: &weir::Stream, _end: bool) -> weir::Status {
        match self.ask(stream) {
            Some((question, patience)) => {
                self.question = Some(question);
                self.patience = Some(patience);
                weir::Status::StopAll
            }
            None => weir::Status::Fail,
        }
    }

    fn answer(&mut self, stream: &weir::Stream, _id: u32, answer: weir::Answer) {
        self.question = None;
        self.patience = None;
        if !answer.ok() || answer.status != 200 {
            stream.local_reply(403, b"not admitted\n", "admission_denied");
            return;
        }
        let ticket = answer.get("x-ticket").unwrap_or(b"none");
        if stream.request().set("x-ticket", ticket) {
            stream.resume_request();
        } else {
            stream.local_reply(500, b"", "admission_no_room");
        }
    }

    fn timer(&mut self, stream: &weir::Stream, _id: u32) {
        self.question = None;
        stream.local_reply(503, b"too busy\n", "admission_timeout");
    }
}

weir::http_filter!("admission", "1.0", Filter);
