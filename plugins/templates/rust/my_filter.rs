//! my_filter: adds `x-my-filter: <greeting>` to each answer.

/// Read on the main thread, then shared by all workers.
struct MyFilterConfig {
    greeting: String,
}

impl weir::Config for MyFilterConfig {
    /// None refuses it; what was wrong has been reported by the readers then.
    fn load(node: weir::Node<'_>) -> Option<Self> {
        let greeting = node.get("greeting");
        let greeting = if greeting.exists() { greeting.string()? } else { "hello".to_string() };
        Some(MyFilterConfig { greeting })
    }
}

/// One object per stream.
struct MyFilter {
    config: &'static MyFilterConfig,
}

impl weir::HttpFilter for MyFilter {
    type Config = MyFilterConfig;
    /// What is not named here costs nothing.
    const HOOKS: u32 = weir::RESPONSE_HEADERS;

    fn new(config: &'static MyFilterConfig) -> Self {
        MyFilter { config }
    }

    fn response_headers(&mut self, stream: &weir::Stream, _end: bool) -> weir::Status {
        // A failure ends the request with a 500.
        if stream.response().set("x-my-filter", &self.config.greeting) {
            weir::Status::Continue
        } else {
            weir::Status::Fail
        }
    }
}

weir::http_filter!("my_filter", "0.1", MyFilter);
