//! Panics where nobody waits for its answer, and keeps what it should have dropped: the field x-do of a request says what.

use std::sync::Mutex;

// What is never dropped; kept in sight of whoever looks for leaks.
static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn keep<T>(thing: T) {
    KEPT.lock().unwrap().push(Box::into_raw(Box::new(thing)) as usize);
}

struct Filter {
    timer: Option<weir::Timer>,
    question: Option<weir::Callout>,
}

impl weir::HttpFilter for Filter {
    type Config = weir::NoConfig;
    const HOOKS: u32 = weir::REQUEST_HEADERS;

    fn new(_config: &'static weir::NoConfig) -> Self {
        // The log has a line of the host's; Rust's own is of no use here.
        std::panic::set_hook(Box::new(|_| ()));
        Filter { timer: None, question: None }
    }

    fn request_headers(&mut self, stream: &weir::Stream, _end: bool) -> weir::Status {
        let what = stream.request().get("x-do").unwrap_or_default();
        match what.as_slice() {
            b"timer" => {
                self.timer = stream.timer(7);
                self.timer.as_ref().unwrap().set(1);
                weir::Status::StopAll
            }
            b"answer" => {
                self.question = stream.callout(7, &weir::Request::get("app", "/of-the-filter"));
                weir::Status::StopAll
            }
            b"forget" => {
                // They come when the stream is gone, or not at all.
                let timer = stream.timer(7).unwrap();
                timer.set(1);
                keep(timer);
                keep(stream.callout(7, &weir::Request::get("app", "/of-the-filter")));
                stream.local_reply(201, b"", "left");
                weir::Status::StopAll
            }
            _ => weir::Status::Continue,
        }
    }

    fn timer(&mut self, _stream: &weir::Stream, id: u32) {
        panic!("a timer {}", id);
    }

    fn answer(&mut self, _stream: &weir::Stream, id: u32, _answer: weir::Answer) {
        panic!("an answer {}", id);
    }
}

weir::http_filter!("panics", "1.0", Filter);
