//! HTTP filters in Rust, on nothing but the standard library: a binding of `plugins/abi/weir.h` (module `abi`) and a safe
//! layer on it.
//!
//! ```ignore
//! struct Hello;
//! impl weir::HttpFilter for Hello {
//!     type Config = weir::NoConfig;
//!     const HOOKS: u32 = weir::RESPONSE_HEADERS;
//!     fn new(_config: &'static weir::NoConfig) -> Self { Hello }
//!     fn response_headers(&mut self, stream: &weir::Stream, _end: bool) -> weir::Status {
//!         stream.response().set("x-hello", "world");
//!         weir::Status::Continue
//!     }
//! }
//! weir::http_filter!("hello", "1.0", Hello);
//! ```
//!
//! Built with rustc 1.63 or later: this file as a library (`rustc --crate-name weir --crate-type rlib`), a plugin as a `cdylib`
//! with `--extern weir`. A panic stops at the hook: it is logged, and the request fails closed; so do not build with
//! `panic=abort`. What the calls promise stands in `weir.h`. Not bound: threads and tickets, bodies of call-outs that stream,
//! counters, other kinds than HTTP filters.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::null;
use std::rc::Rc;

/// `plugins/abi/weir.h`, as far as HTTP filters go. Names and order are the header's.
pub mod abi {
    use std::os::raw::{c_char, c_void};

    pub const MAGIC: u32 = 0x5249_4557;
    pub const MAJOR: u16 = 1;
    /// The candidate in the high byte.
    pub const MINOR: u16 = 0x200;
    pub const OK: i32 = 0;
    pub const ERROR: i32 = -1;
    pub const KIND_HTTP_FILTER: u32 = 3;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct View {
        pub data: *const u8,
        pub size: usize,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct Ticket {
        pub value: [u64; 2],
    }
    #[repr(C)]
    pub struct Field {
        pub name: *const u8,
        pub value: *const u8,
        pub value_size: u32,
        pub name_size: u16,
        pub token: u16,
        pub flags: u16,
        pub raw_form: u8,
        pub raw_tail: u8,
        pub reserved: u32,
    }
    pub enum Stream {}
    pub enum Node {}
    pub enum Timer {}
    pub enum Callout {}

    #[repr(C)]
    pub struct Head {
        pub struct_size: u32,
        pub kind: u8,
        pub http_version: u8,
        pub status: u16,
        pub flags: u32,
        pub field_count: u32,
        pub fields: *mut Field,
        pub content_length: u64,
        pub method: View,
        pub scheme: View,
        pub authority: View,
        pub path: View,
        pub protocol: View,
        pub group: u32,
        pub reserved: u32,
    }
    pub const FIELD_REMOVED: u16 = 4;
    pub const TIMER_OFF: u64 = u64::MAX;
    pub const NO_WORKER: u32 = u32::MAX;

    #[repr(C)]
    pub struct CalloutRequest {
        pub struct_size: u32,
        pub flags: u32,
        pub cluster: View,
        pub method: View,
        pub scheme: View,
        pub authority: View,
        pub path: View,
        pub fields: *const Field,
        pub field_count: u32,
        pub timeout_ms: u32,
        pub body: View,
        pub max_body_bytes: u64,
    }
    #[repr(C)]
    pub struct CalloutHooks {
        pub struct_size: u32,
        pub reserved: u32,
        pub head: Option<extern "C" fn(*mut c_void, *const Head, u32)>,
        pub data: Option<extern "C" fn(*mut c_void, View, u32)>,
        pub trailers: Option<extern "C" fn(*mut c_void, *const Head)>,
        pub complete: Option<extern "C" fn(*mut c_void, u32)>,
    }
    #[repr(C)]
    pub struct CalloutApi {
        pub struct_size: u32,
        pub reserved: u32,
        pub start: extern "C" fn(*const CalloutRequest, *const CalloutHooks, *mut c_void) -> *mut Callout,
        pub send: extern "C" fn(*mut Callout, View, u32) -> i32,
        pub cancel: extern "C" fn(*mut Callout),
    }

    pub type Hook = extern "C" fn(*mut c_void);
    pub type StreamHook = extern "C" fn(*mut c_void, *mut Stream);

    #[repr(C)]
    pub struct ConfigApi {
        pub struct_size: u32,
        pub reserved: u32,
        pub kind: extern "C" fn(*const Node) -> u32,
        pub get: extern "C" fn(*const Node, View) -> *const Node,
        pub count: extern "C" fn(*const Node) -> usize,
        pub at: extern "C" fn(*const Node, usize) -> *const Node,
        pub key_at: extern "C" fn(*const Node, usize) -> View,
        pub string: extern "C" fn(*const Node, *mut View) -> i32,
        pub integer: extern "C" fn(*const Node, i64, i64, *mut i64) -> i32,
        pub number: extern "C" fn(*const Node, *mut f64) -> i32,
        pub boolean: extern "C" fn(*const Node, *mut u32) -> i32,
        pub duration_ms: extern "C" fn(*const Node, *mut i64) -> i32,
        pub error: extern "C" fn(*const Node, View),
    }

    #[repr(C)]
    pub struct Host {
        pub struct_size: u32,
        pub abi_minor: u32,
        pub config: *const ConfigApi,
        pub log: extern "C" fn(u32, View, View),
        pub counter: extern "C" fn(View) -> u32,
        pub count: extern "C" fn(u32, u64),
        pub random: extern "C" fn(*mut u8, usize),
        pub sha1: extern "C" fn(*const u8, usize, *mut u8),
        pub sha256: extern "C" fn(*const u8, usize, *mut u8),
        pub log_enabled: extern "C" fn(u32) -> u32,
        pub gauge: extern "C" fn(View) -> u32,
        pub gauge_add: extern "C" fn(u32, i64),
        pub histogram: extern "C" fn(View) -> u32,
        pub record: extern "C" fn(u32, u64),
        pub now_ms: extern "C" fn() -> u64,
        pub unix_ms: extern "C" fn() -> i64,
        pub workers: extern "C" fn() -> u32,
        pub worker: extern "C" fn() -> u32,
        pub validating: extern "C" fn() -> u32,
        pub timer_new: extern "C" fn(Hook, *mut c_void) -> *mut Timer,
        pub timer_set: extern "C" fn(*mut Timer, u64),
        pub timer_free: extern "C" fn(*mut Timer),
        pub post: extern "C" fn(Ticket, StreamHook, *mut c_void) -> i32,
        pub post_worker: extern "C" fn(u32, Hook, *mut c_void) -> i32,
        pub offload: extern "C" fn(Hook, Ticket, StreamHook, *mut c_void) -> i32,
        pub kv_get: extern "C" fn(View, View, *mut u8, usize) -> i64,
        pub kv_set: extern "C" fn(View, View, View, u64) -> i32,
        pub kv_add: extern "C" fn(View, View, i64, u64, *mut i64) -> i32,
        pub kv_remove: extern "C" fn(View, View) -> i32,
        pub callout: *const CalloutApi,
    }

    #[repr(C)]
    pub struct HttpApi {
        pub struct_size: u32,
        pub reserved: u32,
        pub field_count: extern "C" fn(*mut Stream, u32) -> u32,
        pub field_at: extern "C" fn(*mut Stream, u32, u32, *mut View, *mut View) -> i32,
        pub get: extern "C" fn(*mut Stream, u32, View, u32, *mut View) -> i32,
        pub get_token: extern "C" fn(*mut Stream, u32, u32, u32, *mut View) -> i32,
        pub set: extern "C" fn(*mut Stream, u32, View, View) -> i32,
        pub add: extern "C" fn(*mut Stream, u32, View, View) -> i32,
        pub remove: extern "C" fn(*mut Stream, u32, View) -> i32,
        pub get_start: extern "C" fn(*mut Stream, View, *mut View) -> i32,
        pub set_start: extern "C" fn(*mut Stream, View, View) -> i32,
        pub status: extern "C" fn(*mut Stream) -> u32,
        pub set_status: extern "C" fn(*mut Stream, u32) -> i32,
        pub body_size: extern "C" fn(*mut Stream, u32) -> u64,
        pub body_piece: extern "C" fn(*mut Stream, u32, u64) -> View,
        pub body_drain: extern "C" fn(*mut Stream, u32, u64) -> i32,
        pub body_append: extern "C" fn(*mut Stream, u32, View) -> i32,
        pub body_length: extern "C" fn(*mut Stream, u32, u64) -> i32,
        pub local_reply: extern "C" fn(*mut Stream, u32, View, *const Field, u32, View) -> i32,
        pub reset: extern "C" fn(*mut Stream) -> i32,
        pub ticket: extern "C" fn(*mut Stream) -> Ticket,
        pub resume: extern "C" fn(Ticket, u32) -> i32,
        pub route_config: extern "C" fn(*mut Stream) -> *mut c_void,
        pub attribute: extern "C" fn(*mut Stream, u32, *mut View) -> i32,
        pub number: extern "C" fn(*mut Stream, u32, *mut i64) -> i32,
        pub metadata: extern "C" fn(*mut Stream, View, View, *mut View) -> i32,
        pub set_metadata: extern "C" fn(*mut Stream, View, View, View) -> i32,
        pub set_flag: extern "C" fn(*mut Stream, View) -> i32,
        pub set_buffer_limit: extern "C" fn(*mut Stream, u32, u64) -> i32,
        pub refresh_route: extern "C" fn(*mut Stream) -> i32,
        pub inject: extern "C" fn(*mut Stream, u32, View) -> i32,
        pub add_trailers: extern "C" fn(*mut Stream, u32) -> i32,
    }

    pub type Headers = extern "C" fn(*mut c_void, *mut Stream, u32) -> i32;
    pub type Plain = extern "C" fn(*mut c_void, *mut Stream) -> i32;

    #[repr(C)]
    pub struct HttpFilterApi {
        pub struct_size: u32,
        pub flags: u32,
        pub state_size: u32,
        pub reserved: u32,
        pub config_new:
            extern "C" fn(*const Host, *const HttpApi, *const Node, u32) -> *mut c_void,
        pub config_free: extern "C" fn(*mut c_void),
        pub create: Option<extern "C" fn(*mut c_void, *mut c_void, *mut Stream) -> i32>,
        pub destroy: Option<extern "C" fn(*mut c_void)>,
        pub request_headers: Option<Headers>,
        pub request_data: Option<Headers>,
        pub request_trailers: Option<Plain>,
        pub response_interim: Option<Plain>,
        pub response_headers: Option<Headers>,
        pub response_data: Option<Headers>,
        pub response_trailers: Option<Plain>,
        pub complete: Option<extern "C" fn(*mut c_void, *mut Stream)>,
    }
    #[repr(C)]
    pub struct Extension {
        pub kind: u32,
        pub reserved: u32,
        pub name: *const c_char,
        pub api: *const HttpFilterApi,
    }
    #[repr(C)]
    pub struct Descriptor {
        pub magic: u32,
        pub abi_major: u16,
        pub abi_minor: u16,
        pub struct_size: u32,
        pub extension_count: u32,
        pub name: *const c_char,
        pub version: *const c_char,
        pub extensions: *const Extension,
        pub init: Option<extern "C" fn(*const Host, *mut c_char, usize) -> i32>,
        pub worker_start: Option<extern "C" fn(u32)>,
        pub worker_stop: Option<extern "C" fn(u32)>,
        pub fini: Option<extern "C" fn()>,
    }
    // Constant data behind constant pointers.
    unsafe impl Sync for Extension {}
    unsafe impl Sync for Descriptor {}
}

use abi::View;

fn view(bytes: &[u8]) -> View {
    View { data: bytes.as_ptr(), size: bytes.len() }
}

// The lifetime is that of what the caller borrowed; the host says in weir.h how long the bytes live.
unsafe fn bytes<'a>(view: View) -> &'a [u8] {
    if view.size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(view.data, view.size)
}

/// What a hook answers; Envoy's meanings (`weir.h`, WEIR_CONTINUE and so on).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Status {
    Continue = 0,
    Stop = 1,
    StopWatermark = 2,
    StopAll = 3,
    StopAllWatermark = 4,
    /// The request fails closed, with a counter and the plugin's name.
    Fail = -1,
}

/// For `HttpFilter::HOOKS`: a hook that is not named there is not called and costs nothing.
pub const REQUEST_HEADERS: u32 = 1;
pub const REQUEST_DATA: u32 = 2;
pub const REQUEST_TRAILERS: u32 = 4;
pub const RESPONSE_HEADERS: u32 = 8;
pub const RESPONSE_DATA: u32 = 16;
pub const RESPONSE_TRAILERS: u32 = 32;
pub const COMPLETE: u32 = 64;

const REQUEST: u32 = 0;
const RESPONSE: u32 = 1;

/// One message's fields. Names are lower case. Writers answer false for framing fields, bad bytes and a message that has
/// gone by.
pub struct Fields<'a> {
    stream: &'a Stream<'a>,
    which: u32,
}

impl<'a> Fields<'a> {
    /// The first value of a name. Copied: a view would end with the next change of the message.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.with(name, |value| value.to_vec())
    }
    /// Looks at the first value of a name without a copy. `look` has no access to the stream.
    pub fn with<R>(&self, name: &str, look: impl FnOnce(&[u8]) -> R + 'static) -> Option<R> {
        let mut value = View { data: null(), size: 0 };
        let status =
            (self.stream.api.get)(self.stream.raw, self.which, view(name.as_bytes()), 0, &mut value);
        // SAFETY: the host's view lives until the message is changed, which `look` cannot do.
        (status == abi::OK).then(|| look(unsafe { bytes(value) }))
    }
    /// Whether a field of that name has exactly this value.
    pub fn is(&self, name: &str, wanted: &[u8]) -> bool {
        let mut value = View { data: null(), size: 0 };
        (0..).map_while(|index| {
            let name = view(name.as_bytes());
            let status =
                (self.stream.api.get)(self.stream.raw, self.which, name, index, &mut value);
            // SAFETY: as above; nothing is called in between.
            (status == abi::OK).then(|| unsafe { bytes(value) } == wanted)
        })
        .any(|same| same)
    }
    pub fn set(&self, name: &str, value: impl AsRef<[u8]>) -> bool {
        let (name, value) = (view(name.as_bytes()), view(value.as_ref()));
        (self.stream.api.set)(self.stream.raw, self.which, name, value) == abi::OK
    }
    pub fn add(&self, name: &str, value: impl AsRef<[u8]>) -> bool {
        let (name, value) = (view(name.as_bytes()), view(value.as_ref()));
        (self.stream.api.add)(self.stream.raw, self.which, name, value) == abi::OK
    }
    /// True also when there was none.
    pub fn remove(&self, name: &str) -> bool {
        (self.stream.api.remove)(self.stream.raw, self.which, view(name.as_bytes())) >= 0
    }
}

/// A stream, in a hook.
pub struct Stream<'a> {
    api: &'a abi::HttpApi,
    raw: *mut abi::Stream,
    host: &'static abi::Host,
    state: *mut c_void,
    alive: &'a Alive,
    late: &'static LateHooks,
}

impl<'a> Stream<'a> {
    pub fn request(&self) -> Fields<'_> {
        Fields { stream: self, which: REQUEST }
    }
    pub fn response(&self) -> Fields<'_> {
        Fields { stream: self, which: RESPONSE }
    }
    pub fn method(&self) -> Vec<u8> {
        self.start(":method")
    }
    /// With the query.
    pub fn path(&self) -> Vec<u8> {
        self.start(":path")
    }
    pub fn authority(&self) -> Vec<u8> {
        self.start(":authority")
    }
    pub fn set_path(&self, path: &[u8]) -> bool {
        (self.api.set_start)(self.raw, view(b":path"), view(path)) == abi::OK
    }
    /// 0: no response yet.
    pub fn status(&self) -> u32 {
        (self.api.status)(self.raw)
    }
    /// What has arrived of a body and not gone by this filter.
    pub fn request_body(&self) -> Vec<u8> {
        self.body(REQUEST)
    }
    pub fn response_body(&self) -> Vec<u8> {
        self.body(RESPONSE)
    }
    /// Answers in place of the backend when the hook has returned; answer `Status::StopAll` then.
    pub fn local_reply(&self, status: u32, body: &[u8], details: &str) -> bool {
        let details = view(details.as_bytes());
        (self.api.local_reply)(self.raw, status, view(body), null(), 0, details) == abi::OK
    }
    /// WEIR_ATTR_*.
    pub fn attribute(&self, id: u32) -> Option<Vec<u8>> {
        let mut value = View { data: null(), size: 0 };
        let status = (self.api.attribute)(self.raw, id, &mut value);
        // SAFETY: copied before anything else is called.
        (status == abi::OK).then(|| unsafe { bytes(value) }.to_vec())
    }

    /// Goes on after a hook has stopped: what was kept is passed on when the present call has returned.
    pub fn resume_request(&self) -> bool {
        (self.api.resume)((self.api.ticket)(self.raw), REQUEST) == abi::OK
    }
    pub fn resume_response(&self) -> bool {
        (self.api.resume)((self.api.ticket)(self.raw), RESPONSE) == abi::OK
    }
    /// A timer that calls `HttpFilter::timer` with this id. Keep it in the filter: dropped, it does not fire. None: the worker
    /// has no more.
    pub fn timer(&self, id: u32) -> Option<Timer> {
        let link = Rc::new(self.link(id));
        let raw = (self.host.timer_new)(fire, Rc::as_ptr(&link) as *mut c_void);
        (!raw.is_null()).then(|| Timer { link, raw })
    }
    /// A request to a cluster, whose whole answer `HttpFilter::answer` gets with this id, never from inside of this call. Keep
    /// it in the filter: dropped, it is cancelled. None: no such cluster, a bad field, or too many call-outs.
    pub fn callout(&self, id: u32, request: &Request) -> Option<Callout> {
        if self.host.struct_size as usize <= offset_of_callout() || self.host.callout.is_null() {
            return None;
        }
        let fields: Vec<abi::Field> = request.fields.iter().map(field).collect::<Option<_>>()?;
        let raw = abi::CalloutRequest {
            struct_size: std::mem::size_of::<abi::CalloutRequest>() as u32,
            flags: 0,
            cluster: view(request.cluster.as_bytes()),
            method: view(request.method.as_bytes()),
            scheme: view(b""),
            authority: view(request.authority.as_bytes()),
            path: view(request.path.as_bytes()),
            fields: fields.as_ptr(),
            field_count: fields.len() as u32,
            timeout_ms: request.timeout_ms,
            body: view(request.body),
            max_body_bytes: request.max_body_bytes,
        };
        let call = Rc::new(Call { link: self.link(id), over: Cell::new(false), answer: RefCell::default() });
        // SAFETY: the host's table lives as long as the process.
        let api = unsafe { &*self.host.callout };
        let handle = (api.start)(&raw, &CALLOUT_HOOKS, Rc::as_ptr(&call) as *mut c_void);
        (!handle.is_null()).then(|| Callout { call, handle })
    }

    fn link(&self, id: u32) -> Link {
        let alive = self.alive.borrow_mut().get_or_insert_with(|| Rc::new(Cell::new(true))).clone();
        Link { alive, host: self.host, state: self.state, stream: self.raw, id, late: self.late }
    }
    fn start(&self, name: &str) -> Vec<u8> {
        let mut value = View { data: null(), size: 0 };
        if (self.api.get_start)(self.raw, view(name.as_bytes()), &mut value) != abi::OK {
            return Vec::new();
        }
        // SAFETY: copied before anything else is called.
        unsafe { bytes(value) }.to_vec()
    }
    fn body(&self, which: u32) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            // SAFETY: copied before anything else is called.
            let piece = unsafe { bytes((self.api.body_piece)(self.raw, which, all.len() as u64)) };
            if piece.is_empty() {
                return all;
            }
            all.extend_from_slice(piece);
        }
    }
}

// Whether the filter still lives; made for the first timer or call-out.
type Alive = RefCell<Option<Rc<Cell<bool>>>>;

// How a filter's late hooks are called: with its state and its stream.
struct LateHooks {
    timer: fn(*mut c_void, *mut abi::Stream, u32),
    answer: fn(*mut c_void, *mut abi::Stream, u32, Answer),
}

// The way back to a filter. Whatever becomes of the timer or call-out that holds it, a filter that is gone is not called.
struct Link {
    alive: Rc<Cell<bool>>,
    host: &'static abi::Host,
    state: *mut c_void,
    stream: *mut abi::Stream,
    id: u32,
    late: &'static LateHooks,
}

// What `user` of a host's call stands for, kept until the call is over: the filter may drop its own.
//
// SAFETY: `user` is of an Rc that is not dropped before the host has forgotten it.
unsafe fn shared<T>(user: *mut c_void) -> Rc<T> {
    let kept = user as *const T;
    Rc::increment_strong_count(kept);
    Rc::from_raw(kept)
}

/// Fires on the worker of its stream, between hooks. Not armed when it is made.
pub struct Timer {
    link: Rc<Link>,
    raw: *mut abi::Timer,
}

impl Timer {
    /// Arms it, or arms it anew.
    pub fn set(&self, after_ms: u64) {
        (self.link.host.timer_set)(self.raw, after_ms);
    }
    pub fn stop(&self) {
        self.set(abi::TIMER_OFF);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // A worker that has gone has freed what was left.
        if (self.link.host.worker)() != abi::NO_WORKER {
            (self.link.host.timer_free)(self.raw);
        }
    }
}

extern "C" fn fire(user: *mut c_void) {
    // SAFETY: a Timer gives its Rc up behind timer_free alone.
    let link = unsafe { shared::<Link>(user) };
    if link.alive.get() {
        (link.late.timer)(link.state, link.stream, link.id);
    }
}

/// A request to a cluster. Everything is copied when the call-out starts.
pub struct Request<'a> {
    pub cluster: &'a str,
    pub method: &'a str,
    /// Empty: the cluster's name.
    pub authority: &'a str,
    pub path: &'a str,
    /// Names are lower case.
    pub fields: &'a [(&'a str, &'a [u8])],
    pub body: &'a [u8],
    /// 0: 15,000.
    pub timeout_ms: u32,
    /// 0: 1 MiB.
    pub max_body_bytes: u64,
}

impl<'a> Request<'a> {
    pub fn get(cluster: &'a str, path: &'a str) -> Self {
        Request {
            cluster,
            method: "GET",
            authority: "",
            path,
            fields: &[],
            body: &[],
            timeout_ms: 0,
            max_body_bytes: 0,
        }
    }
}

/// What came of a call-out.
#[derive(Default)]
pub struct Answer {
    /// WEIR_REASON_*; not 0: there is no whole answer.
    pub reason: u32,
    pub status: u32,
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn ok(&self) -> bool {
        self.reason == 0
    }
    /// The first value of a lower-case name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }
}

struct Call {
    link: Link,
    over: Cell<bool>,
    answer: RefCell<Answer>,
}

/// A call-out that is under way.
pub struct Callout {
    call: Rc<Call>,
    handle: *mut abi::Callout,
}

impl Drop for Callout {
    fn drop(&mut self) {
        if !self.call.over.get() {
            // SAFETY: it was started through this table.
            (unsafe { &*self.call.link.host.callout }.cancel)(self.handle);
        }
    }
}

fn offset_of_callout() -> usize {
    std::mem::size_of::<abi::Host>() - std::mem::size_of::<*const abi::CalloutApi>()
}

fn field(&(name, value): &(&str, &[u8])) -> Option<abi::Field> {
    if name.len() > u16::MAX as usize || value.len() > u32::MAX as usize {
        return None;
    }
    Some(abi::Field {
        name: name.as_ptr(),
        value: value.as_ptr(),
        value_size: value.len() as u32,
        name_size: name.len() as u16,
        token: 0,
        flags: 0,
        raw_form: 0,
        raw_tail: 0,
        reserved: 0,
    })
}

static CALLOUT_HOOKS: abi::CalloutHooks = abi::CalloutHooks {
    struct_size: std::mem::size_of::<abi::CalloutHooks>() as u32,
    reserved: 0,
    head: Some(answer_head),
    data: Some(answer_data),
    trailers: None,
    complete: Some(answer_complete),
};

extern "C" fn answer_head(user: *mut c_void, head: *const abi::Head, _end: u32) {
    // SAFETY: a Callout gives its Rc up behind `cancel` or the last hook alone; the head is valid in this call.
    let (call, head) = unsafe { (shared::<Call>(user), &*head) };
    let mut answer = call.answer.borrow_mut();
    answer.status = u32::from(head.status);
    for index in 0..head.field_count as usize {
        // SAFETY: as the head says.
        let field = unsafe { &*head.fields.add(index) };
        if field.flags & abi::FIELD_REMOVED != 0 {
            continue;
        }
        let name = View { data: field.name, size: field.name_size as usize };
        let value = View { data: field.value, size: field.value_size as usize };
        // SAFETY: copied at once.
        let (name, value) = unsafe { (bytes(name), bytes(value)) };
        answer.fields.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }
}

extern "C" fn answer_data(user: *mut c_void, data: View, _end: u32) {
    // SAFETY: as above; copied at once.
    let (call, data) = unsafe { (shared::<Call>(user), bytes(data)) };
    call.answer.borrow_mut().body.extend_from_slice(data);
}

extern "C" fn answer_complete(user: *mut c_void, reason: u32) {
    // SAFETY: as above.
    let call = unsafe { shared::<Call>(user) };
    call.over.set(true);
    let mut answer = call.answer.take();
    answer.reason = reason;
    let link = &call.link;
    if link.alive.get() {
        (link.late.answer)(link.state, link.stream, link.id, answer);
    }
}

/// A node of the configuration, in `Config::load`. May be absent: it then has no entries, and reading it reports that.
/// A read that fails has reported what was expected, with line and column.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    api: &'a abi::ConfigApi,
    raw: *const abi::Node,
}

impl<'a> Node<'a> {
    pub fn exists(&self) -> bool {
        !self.raw.is_null()
    }
    pub fn is_map(&self) -> bool {
        (self.api.kind)(self.raw) == 3
    }
    pub fn is_list(&self) -> bool {
        (self.api.kind)(self.raw) == 2
    }
    /// Asking for a key is what makes it known; a key that nobody asked for is a mistake of the file.
    pub fn get(&self, key: &str) -> Node<'a> {
        Node { api: self.api, raw: (self.api.get)(self.raw, view(key.as_bytes())) }
    }
    pub fn count(&self) -> usize {
        (self.api.count)(self.raw)
    }
    pub fn at(&self, index: usize) -> Node<'a> {
        Node { api: self.api, raw: (self.api.at)(self.raw, index) }
    }
    pub fn string(&self) -> Option<String> {
        let mut value = View { data: null(), size: 0 };
        let status = (self.api.string)(self.raw, &mut value);
        // SAFETY: copied at once.
        (status == abi::OK).then(|| String::from_utf8_lossy(unsafe { bytes(value) }).into_owned())
    }
    pub fn integer(&self, min: i64, max: i64) -> Option<i64> {
        let mut value = 0;
        ((self.api.integer)(self.raw, min, max, &mut value) == abi::OK).then(|| value)
    }
    pub fn boolean(&self) -> Option<bool> {
        let mut value = 0;
        ((self.api.boolean)(self.raw, &mut value) == abi::OK).then(|| value != 0)
    }
    /// Reports a mistake here; always None, for `return node.fail(...)`.
    pub fn fail<T>(&self, message: &str) -> Option<T> {
        (self.api.error)(self.raw, view(message.as_bytes()));
        None
    }
}

/// What a filter's place in the configuration is read into; shared by all workers.
pub trait Config: Sized + Send + Sync + 'static {
    /// None refuses it; what was wrong has been reported at the nodes then.
    fn load(node: Node<'_>) -> Option<Self>;
}

/// For filters that take no configuration.
pub struct NoConfig;
impl Config for NoConfig {
    fn load(node: Node<'_>) -> Option<Self> {
        if node.exists() {
            return node.fail("takes no configuration");
        }
        Some(NoConfig)
    }
}

/// One object per stream, at most 1000 bytes. HOOKS names what is overridden.
pub trait HttpFilter: Sized + 'static {
    type Config: Config;
    const HOOKS: u32;
    /// The filter lives shorter than its configuration, so it may keep the reference.
    fn new(config: &'static Self::Config) -> Self;
    fn request_headers(&mut self, _stream: &Stream, _end: bool) -> Status {
        Status::Continue
    }
    fn request_data(&mut self, _stream: &Stream, _end: bool) -> Status {
        Status::Continue
    }
    fn request_trailers(&mut self, _stream: &Stream) -> Status {
        Status::Continue
    }
    fn response_headers(&mut self, _stream: &Stream, _end: bool) -> Status {
        Status::Continue
    }
    fn response_data(&mut self, _stream: &Stream, _end: bool) -> Status {
        Status::Continue
    }
    fn response_trailers(&mut self, _stream: &Stream) -> Status {
        Status::Continue
    }
    fn complete(&mut self, _stream: &Stream) {}
    /// A timer of `Stream::timer` has fired.
    fn timer(&mut self, _stream: &Stream, _id: u32) {}
    /// A call-out of `Stream::callout` is over.
    fn answer(&mut self, _stream: &Stream, _id: u32, _answer: Answer) {}
}

// What stands behind the configuration pointer of the ABI.
struct Held<C> {
    host: &'static abi::Host,
    http: &'static abi::HttpApi,
    config: C,
}
// What stands in a stream's state.
struct State<F: HttpFilter> {
    held: &'static Held<F::Config>,
    alive: Alive,
    filter: F,
}

fn report(host: &abi::Host, hook: &str) {
    let line = format!("{} has panicked", hook);
    (host.log)(4, view(b"rust"), view(line.as_bytes()));
}

/// The functions behind a filter's table; used by `http_filter!`.
pub struct Table<F>(PhantomData<F>);

impl<F: HttpFilter> Table<F> {
    const STATE_SIZE: usize = {
        assert!(std::mem::size_of::<State<F>>() <= 1024, "keep what is large behind a Box");
        assert!(std::mem::align_of::<State<F>>() <= 16);
        std::mem::size_of::<State<F>>()
    };
    pub const API: abi::HttpFilterApi = abi::HttpFilterApi {
        struct_size: std::mem::size_of::<abi::HttpFilterApi>() as u32,
        flags: 0,
        state_size: Self::STATE_SIZE as u32,
        reserved: 0,
        config_new: Self::config_new,
        config_free: Self::config_free,
        create: Some(Self::create),
        destroy: Some(Self::destroy),
        request_headers: if F::HOOKS & REQUEST_HEADERS != 0 { Some(Self::request_headers) } else { None },
        request_data: if F::HOOKS & REQUEST_DATA != 0 { Some(Self::request_data) } else { None },
        request_trailers: if F::HOOKS & REQUEST_TRAILERS != 0 { Some(Self::request_trailers) } else { None },
        response_interim: None,
        response_headers: if F::HOOKS & RESPONSE_HEADERS != 0 { Some(Self::response_headers) } else { None },
        response_data: if F::HOOKS & RESPONSE_DATA != 0 { Some(Self::response_data) } else { None },
        response_trailers: if F::HOOKS & RESPONSE_TRAILERS != 0 { Some(Self::response_trailers) } else { None },
        complete: if F::HOOKS & COMPLETE != 0 { Some(Self::complete) } else { None },
    };

    extern "C" fn config_new(
        host: *const abi::Host,
        http: *const abi::HttpApi,
        node: *const abi::Node,
        _per_route: u32,
    ) -> *mut std::os::raw::c_void {
        // SAFETY: the host's tables live as long as the process.
        let (host, http) = unsafe { (&*host, &*http) };
        let node = Node { api: unsafe { &*host.config }, raw: node };
        match catch_unwind(|| F::Config::load(node)) {
            Ok(Some(config)) => Box::into_raw(Box::new(Held { host, http, config })) as *mut _,
            Ok(None) => std::ptr::null_mut(),
            Err(_) => {
                report(host, "the configuration");
                std::ptr::null_mut()
            }
        }
    }
    extern "C" fn config_free(config: *mut std::os::raw::c_void) {
        // SAFETY: made in config_new; the host frees it once, after the last stream.
        let held = unsafe { Box::from_raw(config as *mut Held<F::Config>) };
        let host = held.host;
        if catch_unwind(AssertUnwindSafe(|| drop(held))).is_err() {
            report(host, "freeing the configuration");
        }
    }
    extern "C" fn create(
        state: *mut std::os::raw::c_void,
        config: *mut std::os::raw::c_void,
        _stream: *mut abi::Stream,
    ) -> i32 {
        // SAFETY: made in config_new, and outlives the stream.
        let held: &'static Held<F::Config> = unsafe { &*(config as *const Held<F::Config>) };
        match catch_unwind(AssertUnwindSafe(|| F::new(&held.config))) {
            Ok(filter) => {
                // SAFETY: state_size bytes, aligned, of this stream alone.
                unsafe { std::ptr::write(state as *mut State<F>, State { held, alive: RefCell::new(None), filter }) };
                abi::OK
            }
            Err(_) => {
                report(held.host, "create");
                abi::ERROR
            }
        }
    }
    extern "C" fn destroy(state: *mut std::os::raw::c_void) {
        let state = state as *mut State<F>;
        // SAFETY: written in create; this is its last use.
        let (host, alive) = unsafe { ((*state).held.host, (*state).alive.take()) };
        if let Some(alive) = alive {
            alive.set(false);
        }
        if catch_unwind(AssertUnwindSafe(|| unsafe { std::ptr::drop_in_place(state) })).is_err() {
            report(host, "destroy");
        }
    }
    const LATE: LateHooks = LateHooks { timer: Self::timer, answer: Self::answer };

    fn run<R>(
        state: *mut std::os::raw::c_void,
        raw: *mut abi::Stream,
        hook: &str,
        run: impl FnOnce(&mut F, &Stream) -> R,
    ) -> Option<R> {
        let place = state;
        // SAFETY: written in create; one hook at a time runs of a stream.
        let state = unsafe { &mut *(state as *mut State<F>) };
        let host = state.held.host;
        let stream =
            Stream { api: state.held.http, raw, host, state: place, alive: &state.alive, late: &Self::LATE };
        let filter = &mut state.filter;
        let done = catch_unwind(AssertUnwindSafe(|| run(filter, &stream)));
        if done.is_err() {
            report(host, hook);
        }
        done.ok()
    }
    fn call(
        state: *mut std::os::raw::c_void,
        raw: *mut abi::Stream,
        hook: &str,
        run: impl FnOnce(&mut F, &Stream) -> Status,
    ) -> i32 {
        Self::run(state, raw, hook, run).map_or(abi::ERROR, |status| status as i32)
    }
    // What panics between the hooks ends the request as a panic in one does.
    fn late(
        state: *mut std::os::raw::c_void,
        raw: *mut abi::Stream,
        hook: &str,
        run: impl FnOnce(&mut F, &Stream),
    ) {
        if Self::run(state, raw, hook, run).is_some() {
            return;
        }
        // SAFETY: as in run.
        let api = unsafe { (*(state as *const State<F>)).held.http };
        if (api.local_reply)(raw, 500, view(b""), null(), 0, view(b"plugin_error")) != abi::OK {
            (api.reset)(raw);
        }
    }
    fn timer(state: *mut std::os::raw::c_void, raw: *mut abi::Stream, id: u32) {
        Self::late(state, raw, "a timer", |f, stream| f.timer(stream, id));
    }
    fn answer(state: *mut std::os::raw::c_void, raw: *mut abi::Stream, id: u32, answer: Answer) {
        Self::late(state, raw, "an answer", |f, stream| f.answer(stream, id, answer));
    }
    extern "C" fn request_headers(s: *mut std::os::raw::c_void, r: *mut abi::Stream, end: u32) -> i32 {
        Self::call(s, r, "request_headers", |f, stream| f.request_headers(stream, end != 0))
    }
    extern "C" fn request_data(s: *mut std::os::raw::c_void, r: *mut abi::Stream, end: u32) -> i32 {
        Self::call(s, r, "request_data", |f, stream| f.request_data(stream, end != 0))
    }
    extern "C" fn request_trailers(s: *mut std::os::raw::c_void, r: *mut abi::Stream) -> i32 {
        Self::call(s, r, "request_trailers", |f, stream| f.request_trailers(stream))
    }
    extern "C" fn response_headers(s: *mut std::os::raw::c_void, r: *mut abi::Stream, end: u32) -> i32 {
        Self::call(s, r, "response_headers", |f, stream| f.response_headers(stream, end != 0))
    }
    extern "C" fn response_data(s: *mut std::os::raw::c_void, r: *mut abi::Stream, end: u32) -> i32 {
        Self::call(s, r, "response_data", |f, stream| f.response_data(stream, end != 0))
    }
    extern "C" fn response_trailers(s: *mut std::os::raw::c_void, r: *mut abi::Stream) -> i32 {
        Self::call(s, r, "response_trailers", |f, stream| f.response_trailers(stream))
    }
    extern "C" fn complete(s: *mut std::os::raw::c_void, r: *mut abi::Stream) {
        Self::call(s, r, "complete", |f, stream| {
            f.complete(stream);
            Status::Continue
        });
    }
}

/// The descriptor of a plugin with one extension; used by `http_filter!`. `name` and `version` end with a zero byte.
pub const fn descriptor(
    name: &'static str,
    version: &'static str,
    extensions: &'static [abi::Extension; 1],
) -> abi::Descriptor {
    abi::Descriptor {
        magic: abi::MAGIC,
        abi_major: abi::MAJOR,
        abi_minor: abi::MINOR,
        struct_size: std::mem::size_of::<abi::Descriptor>() as u32,
        extension_count: 1,
        name: name.as_ptr() as *const c_char,
        version: version.as_ptr() as *const c_char,
        extensions: extensions as *const abi::Extension,
        init: None,
        worker_start: None,
        worker_stop: None,
        fini: None,
    }
}

/// One plugin with one HTTP filter: `name` is that of both, and of the file.
#[macro_export]
macro_rules! http_filter {
    ($name:expr, $version:expr, $filter:ty) => {
        static WEIR_FILTER: $crate::abi::HttpFilterApi = $crate::Table::<$filter>::API;
        static WEIR_EXTENSIONS: [$crate::abi::Extension; 1] = [$crate::abi::Extension {
            kind: $crate::abi::KIND_HTTP_FILTER,
            reserved: 0,
            name: concat!($name, "\0").as_ptr() as *const _,
            api: &WEIR_FILTER,
        }];
        #[no_mangle]
        #[allow(non_upper_case_globals)]
        pub static weir_plugin: $crate::abi::Descriptor =
            $crate::descriptor(concat!($name, "\0"), concat!($version, "\0"), &WEIR_EXTENSIONS);
    };
}
