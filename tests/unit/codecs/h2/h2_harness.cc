#include "tests/unit/codecs/h2/h2_harness.h"

#include <algorithm>
#include <cstring>

#include "plugins/util/token.h"
#include "tests/support/codec_pair.h"
#include "tests/unit/codecs/h2/h2_api.h"

namespace weir::h2 {
namespace {

std::map<std::string, uint32_t>& CounterNames() {
  static std::map<std::string, uint32_t> names;
  return names;
}
std::map<uint32_t, uint64_t>& CounterValues() {
  static std::map<uint32_t, uint64_t> values;
  return values;
}

uint32_t DefineCounter(weir_view name) {
  const auto id = static_cast<uint32_t>(CounterNames().size() + 1);
  return CounterNames().emplace(std::string(name.data, name.size), id).first->second;
}

void AddCount(uint32_t id, uint64_t add) {
  CounterValues()[id] += add;
}

void IgnoreLog(uint32_t, weir_view, weir_view) {}

const weir_host* FakeHost() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = sizeof table;
    table.log = IgnoreLog;
    table.counter = DefineCounter;
    table.count = AddCount;
    return table;
  }();
  static const int32_t defined = [] {
    char error[64];
    return weir_plugin_h2.init(&host, error, sizeof error);
  }();
  EXPECT_EQ(defined, WEIR_OK);
  return &host;
}

SeenHead Copy(const weir_head& head) {
  SeenHead seen;
  seen.kind = head.kind;
  seen.status = head.status;
  seen.flags = head.flags;
  seen.length = head.content_length;
  seen.method = test::Text(head.method);
  seen.scheme = test::Text(head.scheme);
  seen.authority = test::Text(head.authority);
  seen.path = test::Text(head.path);
  seen.protocol = test::Text(head.protocol);
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    seen.fields.emplace_back(std::string(field.name, field.name_size),
                             std::string(field.value, field.value_size));
  }
  return seen;
}

weir_view View(const std::string& text) {
  return {text.data(), text.size()};
}

std::vector<weir_field> Fields(const TextFields& fields) {
  std::vector<weir_field> result;
  for (const auto& [name, value] : fields) {
    result.push_back(test::Field(name, value));
    result.back().token = util::FindToken(name);
  }
  return result;
}

}  // namespace

std::string SeenHead::Field(std::string_view name) const {
  for (const auto& [have, value] : fields) {
    if (have == name) return value;
  }
  return "(none)";
}

uint64_t H2Harness::Counter(const std::string& name) {
  const auto found = CounterNames().find(name);
  return found == CounterNames().end() ? 0 : CounterValues()[found->second];
}

H2Harness::H2Harness(H2Setup setup)
    : setup_(std::move(setup)),
      api_(Api()),
      peer_(setup_.position == WEIR_SERVER ? Position::kServer : Position::kClient),
      random_(static_cast<uint64_t>(setup_.cut)) {
  weir_codec_params params = setup_.params;
  params.position = setup_.position;
  params.host = FakeHost();
  params.config = &setup_.options;
  params.now_ms = &now_;
  codec_ = api_.create(&params);
  if (codec_ == nullptr) return;
  Produce();
  if (server() && setup_.preface) Feed(wire::Preface());
  if (setup_.handshake) Handshake();
}

H2Harness::~H2Harness() {
  if (codec_ != nullptr) api_.destroy(codec_);
  EXPECT_EQ(peer_.fault(), "");
}

void H2Harness::Handshake() {
  Feed(wire::Settings(setup_.peer_settings));
  Feed(wire::SettingsAck());
}

// ---- The peer's side

size_t H2Harness::NextCut(size_t left) {
  if (setup_.cut == 0) return left;
  if (setup_.cut == 1) return 1;
  const size_t longest = setup_.cut % 2 == 0 ? 7 : 1 + left / 2;
  return std::min(left, 1 + static_cast<size_t>(random_() % longest));
}

void H2Harness::Feed(const std::string& bytes) {
  const std::string& all = bytes;
  for (size_t at = 0; at < all.size();) {
    const size_t size = NextCut(all.size() - at);
    input_.append(all, at, size);
    at += size;
    Ask(0, false);
    Produce();
    // What had to wait for the output.
    for (int i = 0; i < 100 && !input_.empty() && events_.size() < 1000000; ++i) {
      const size_t before = input_.size();
      Ask(0, false);
      Produce();
      if (input_.size() == before) break;
    }
  }
}

void H2Harness::FeedQuietly(const std::string& bytes) {
  input_ += bytes;
  Ask(0, false);
}

void H2Harness::FeedEof() {
  Ask(WEIR_RECEIVE_EOF, true);
  Produce();
}

// As a host does: again while there are bytes and events; at the end of the input, and after the
// clock has run, while there are events.
void H2Harness::Ask(uint32_t flags, bool to_the_end) {
  while (true) {
    // Another address each time, with nothing but the readable octets behind it.
    std::vector<uint8_t> span(input_.begin(), input_.end());
    span.resize(input_.size() + 64);
    weir_event event{};
    const size_t used = api_.receive(codec_, span.data(), input_.size(), flags, &event);
    ASSERT_LE(used, input_.size());
    peer_.CodecRead(std::string_view(input_).substr(0, used));
    input_.erase(0, used);
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) return;
    OnEvent(event);
    if (input_.empty() && !to_the_end) return;
  }
}

std::string H2Harness::Block(const TextFields& fields) {
  return encoder_.Encode(fields);
}

std::string H2Harness::Request(const std::string& path, const TextFields& more) {
  TextFields fields = {
      {":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", "weir.test"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Block(fields);
}

std::string H2Harness::Response(const std::string& status, const TextFields& more) {
  TextFields fields = {{":status", status}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Block(fields);
}

// ---- The host's side

uint32_t H2Harness::Open() {
  auto stream = std::make_unique<HostStream>();
  const uint32_t number = api_.open(codec_, stream->out.handle());
  if (number != 0) streams_[number] = std::move(stream);
  return number;
}

uint32_t H2Harness::Send(const std::string& path, bool end, const TextFields& more) {
  const uint32_t number = Open();
  EXPECT_NE(number, 0u);
  if (number == 0) return 0;
  SeenHead head;
  head.kind = WEIR_HEAD_REQUEST;
  head.method = end ? "GET" : "POST";
  head.path = path;
  head.authority = "weir.test";
  head.fields = more;
  EXPECT_EQ(SendHead(number, head, end), WEIR_OK);
  return number;
}

int32_t H2Harness::SendHead(uint32_t number, const SeenHead& head, bool end) {
  std::vector<weir_field> fields = Fields(head.fields);
  weir_head to = test::Head(head.kind, &fields);
  to.status = head.status;
  to.flags = head.flags;
  to.content_length = head.length;
  to.group = head.group;
  to.method = View(head.method);
  to.scheme = View(head.scheme);
  to.authority = View(head.authority);
  to.path = View(head.path);
  to.protocol = View(head.protocol);
  const int32_t result = api_.send_head(codec_, number, &to, end ? 1 : 0, out_.out());
  Produce();
  return result;
}

int32_t H2Harness::Answer(uint32_t number, uint16_t status, bool end, const TextFields& more) {
  SeenHead head;
  head.kind = status < 200 ? WEIR_HEAD_INTERIM : WEIR_HEAD_RESPONSE;
  head.status = status;
  head.fields = more;
  return SendHead(number, head, end);
}

void H2Harness::Body(uint32_t number, const std::string& bytes, bool end) {
  Queue(number, bytes, end);
  Produce();
}

void H2Harness::Queue(uint32_t number, const std::string& bytes, bool end) {
  HostStream& stream = *streams_.at(number);
  stream.out.body += bytes;
  stream.out.end = end;
  api_.ready(codec_, number);
}

void H2Harness::Trailers(uint32_t number, const TextFields& fields) {
  HostStream& stream = *streams_.at(number);
  stream.trailers.fields = fields;
  stream.trailer_fields = Fields(stream.trailers.fields);
  stream.trailer_head = test::Head(WEIR_HEAD_TRAILERS, &stream.trailer_fields);
  stream.out.trailers = &stream.trailer_head;
  stream.out.end = true;
  api_.ready(codec_, number);
  Produce();
  stream.trailers = {};
}

void H2Harness::Consume(uint32_t number, uint32_t size) {
  api_.consumed(codec_, number, size);
  streams_.at(number)->held -= size;
  Produce();
}

void H2Harness::ResetStream(uint32_t number, uint32_t reason) {
  api_.reset(codec_, number, reason, out_.out());
  streams_.at(number)->over = true;
  Produce();
}

void H2Harness::GoAway(uint32_t phase) {
  api_.goaway(codec_, phase, out_.out());
  Produce();
}

void H2Harness::Advance(uint64_t ms) {
  for (const uint64_t end = now_ + ms; now_ < end;) {
    const uint64_t due = api_.deadline(codec_);
    now_ = due == 0 || due > end ? end : std::max(due, now_ + 1);
    if (due == 0 || now_ < due || closed_) continue;
    api_.tick(codec_, now_, out_.out());
    Produce();
  }
}

void H2Harness::Produce(uint64_t budget) {
  for (int i = 0;
       i < 100000 && (ProduceOnce(budget) & (WEIR_PRODUCED_MORE | WEIR_PRODUCED_EVENTS)) != 0;
       ++i) {
  }
}

uint32_t H2Harness::ProduceOnce(uint64_t budget) {
  const uint32_t result = api_.produce(codec_, budget, out_.out());
  const std::string bytes = out_.Take();
  // What is said behind the last word would never be sent.
  EXPECT_TRUE(!closed_ || bytes.empty()) << "output behind PRODUCED_CLOSE";
  peer_.CodecWrote(bytes);
  if ((result & WEIR_PRODUCED_EVENTS) != 0) Ask(0, true);
  if ((result & WEIR_PRODUCED_CLOSE) != 0) closed_ = true;
  return result;
}

uint32_t H2Harness::Capacity() const {
  return api_.capacity(codec_);
}
uint32_t H2Harness::Reusable() const {
  return api_.reusable(codec_);
}
uint64_t H2Harness::Deadline() const {
  return api_.deadline(codec_);
}

// ---- Events

void H2Harness::OnEvent(const weir_event& event) {
  SeenEvent seen;
  seen.type = event.type;
  seen.end = event.end_stream != 0;
  seen.stream = event.stream;
  seen.last_stream = event.last_stream;
  if (event.type == WEIR_EVENT_RESET || event.type == WEIR_EVENT_ERROR) {
    seen.reason = event.error.reason;
    seen.scope = event.error.scope;
    seen.status = event.error.status;
    if (event.error.detail != nullptr) seen.detail = event.error.detail;
  }
  events_.push_back(seen);
  if (event.type == WEIR_EVENT_GOAWAY || seen.scope == WEIR_SCOPE_CONNECTION) return;
  if (event.type == WEIR_EVENT_HEAD) return OnHead(event);
  if (event.user == nullptr && event.type == WEIR_EVENT_ERROR && event.error.status == 0) {
    // A head that was refused with a reset: the codec has let go of it, it is told for the log.
    ASSERT_TRUE(server() && !knows(event.stream));
    return;
  }
  if (event.user == nullptr) {
    // A head that was refused before the host had seen the stream.
    ASSERT_TRUE(event.type == WEIR_EVENT_ERROR && server() && event.error.status != 0);
    auto stream = std::make_unique<HostStream>();
    stream->status = event.error.status;
    stream->reason = event.error.reason;
    api_.adopt(codec_, event.stream, stream->out.handle());
    streams_[event.stream] = std::move(stream);
    return;
  }
  ASSERT_TRUE(knows(event.stream));
  HostStream& stream = *streams_.at(event.stream);
  ASSERT_EQ(event.user, stream.out.handle());
  ASSERT_FALSE(stream.over) << "an event of a stream that is over";
  ASSERT_TRUE(!stream.complete || event.type == WEIR_EVENT_RESET || event.type == WEIR_EVENT_ERROR)
      << "an event of a complete half";
  if (seen.end || event.type == WEIR_EVENT_END || event.type == WEIR_EVENT_TRAILERS)
    stream.complete = true;
  if (event.type == WEIR_EVENT_DATA) {
    ASSERT_GT(event.size, 0u);
    stream.body.append(reinterpret_cast<const char*>(event.data), event.size);
    stream.held += static_cast<uint32_t>(event.size);
    if (setup_.consume && !stream.complete) {
      api_.consumed(codec_, event.stream, stream.held);
      stream.held = 0;
    }
  } else if (event.type == WEIR_EVENT_TRAILERS) {
    stream.trailers = Copy(*event.head);
    if (setup_.check != nullptr && !setup_.check(*event.head)) {
      api_.reset(codec_, event.stream, WEIR_REASON_PROTOCOL, out_.out());
      stream.over = true;
    }
  } else if (event.type == WEIR_EVENT_RESET || event.type == WEIR_EVENT_ERROR) {
    stream.over = true;
    stream.reason = event.error.reason;
  }
}

void H2Harness::OnHead(const weir_event& event) {
  if (event.user == nullptr) {
    ASSERT_TRUE(server());
    ASSERT_FALSE(knows(event.stream));
    streams_[event.stream] = std::make_unique<HostStream>();
    api_.adopt(codec_, event.stream, streams_[event.stream]->out.handle());
  }
  HostStream& stream = *streams_.at(event.stream);
  ASSERT_FALSE(stream.over || stream.complete);
  stream.heads.push_back(Copy(*event.head));
  stream.complete = event.end_stream != 0;
  if (setup_.check == nullptr || setup_.check(*event.head)) return;
  // A server may answer before it ends the stream (RFC 9113 section 8.1.1), and ours does.
  if (server()) {
    stream.status = 400;
  } else {
    api_.reset(codec_, event.stream, WEIR_REASON_PROTOCOL, out_.out());
    stream.over = true;
  }
}

size_t H2Harness::CountEvents(uint8_t type) const {
  size_t count = 0;
  for (const SeenEvent& event : events_) count += event.type == type;
  return count;
}

// ---- Frames

size_t H2Harness::CountFrames(FrameType type, uint32_t stream) const {
  size_t count = 0;
  for (const OutFrame& frame : frames()) {
    count += frame.Is(type) && (stream == UINT32_MAX || frame.header.stream == stream);
  }
  return count;
}

const OutFrame* H2Harness::LastFrame(FrameType type, uint32_t stream) const {
  const OutFrame* last = nullptr;
  for (const OutFrame& frame : frames()) {
    if (frame.Is(type) && (stream == UINT32_MAX || frame.header.stream == stream)) last = &frame;
  }
  return last;
}

std::string H2Harness::Sent(uint32_t stream) const {
  std::string sent;
  for (const OutFrame& frame : frames()) {
    if (frame.Is(FrameType::kData) && frame.header.stream == stream) sent += frame.payload;
  }
  return sent;
}

bool H2Harness::SentEnd(uint32_t stream) const {
  for (const OutFrame& frame : frames()) {
    const bool content = frame.Is(FrameType::kData) || frame.Is(FrameType::kHeaders);
    if (content && frame.header.stream == stream && frame.header.Has(kFlagEndStream)) return true;
  }
  return false;
}

// ---- What a test expects

void H2Harness::ExpectEnd(ErrorCode code) {
  ASSERT_EQ(CountFrames(FrameType::kGoaway), 1u);
  EXPECT_STREQ(h2::Name(static_cast<ErrorCode>(LastFrame(FrameType::kGoaway)->Code())),
               h2::Name(code));
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Capacity(), 0u);
  EXPECT_EQ(Reusable(), 0u);
  EXPECT_EQ(Deadline(), 0u);
}

void H2Harness::ExpectConnectionError(ErrorCode code) {
  ExpectEnd(code);
  size_t told = 0;
  for (const SeenEvent& event : events_) {
    told += event.type == WEIR_EVENT_ERROR && event.scope == WEIR_SCOPE_CONNECTION;
  }
  EXPECT_EQ(told, 1u);
  // Nothing more is read, said or told, whatever comes.
  const size_t frames_before = frames().size();
  const size_t events_before = events_.size();
  Feed(wire::Ping() << wire::Settings() << wire::Headers(99, "\x82\x86\x84", true));
  EXPECT_EQ(frames().size(), frames_before);
  EXPECT_EQ(events_.size(), events_before);
}

void H2Harness::ExpectStreamError(uint32_t wire, ErrorCode code) {
  ASSERT_EQ(CountFrames(FrameType::kRstStream, wire), 1u);
  EXPECT_STREQ(h2::Name(static_cast<ErrorCode>(LastFrame(FrameType::kRstStream, wire)->Code())),
               h2::Name(code));
  EXPECT_EQ(CountFrames(FrameType::kRstStream), 1u);
  EXPECT_EQ(CountFrames(FrameType::kGoaway), 0u);
  if (knows(wire)) {
    EXPECT_TRUE(streams_.at(wire)->over || streams_.at(wire)->complete);
  }
  ExpectServes();
}

void H2Harness::ExpectFine() {
  const OutFrame* reset = LastFrame(FrameType::kRstStream);
  EXPECT_EQ(reset, nullptr) << h2::Name(static_cast<ErrorCode>(reset->Code()));
  const OutFrame* goaway = LastFrame(FrameType::kGoaway);
  EXPECT_EQ(goaway, nullptr) << goaway->payload.substr(8);
  EXPECT_EQ(CountEvents(WEIR_EVENT_ERROR), 0u);
  ExpectServes();
}

// Twice with the same fields: the second time the tables hold them.
void H2Harness::ExpectServes() {
  ASSERT_FALSE(closed_);
  const std::string name = "value-" + std::to_string(++served_);
  for (int i = 0; i < 2; ++i) server() ? ServeOne(name) : AskOne(name);
}

void H2Harness::ServeOne(const std::string& name) {
  const uint32_t number = next_peer_stream_;
  next_peer_stream_ += 2;
  Feed(wire::Headers(number, Request("/" + name, {{"x-name", name}}), false)
       << wire::Data(number, "question", true));
  ASSERT_TRUE(knows(number));
  HostStream& asked = stream(number);
  ASSERT_EQ(asked.heads.size(), 1u);
  EXPECT_EQ(asked.heads[0].path, "/" + name);
  EXPECT_EQ(asked.heads[0].authority, "weir.test");
  EXPECT_EQ(asked.heads[0].Field("x-name"), name);
  EXPECT_EQ(asked.body, "question");
  EXPECT_TRUE(asked.complete);
  EXPECT_EQ(Answer(number, 200, false, {{"x-answer", name}}), WEIR_OK);
  Body(number, "answer", true);
  const OutFrame* head = LastFrame(FrameType::kHeaders, number);
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->Field(":status"), "200");
  EXPECT_EQ(head->Field("x-answer"), name);
  EXPECT_EQ(Sent(number), "answer");
  EXPECT_TRUE(SentEnd(number));
}

void H2Harness::AskOne(const std::string& name) {
  const uint32_t number = Send("/" + name, true, {{"x-name", name}});
  ASSERT_NE(number, 0u);
  const OutFrame* head = LastFrame(FrameType::kHeaders);
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->Field(":path"), "/" + name);
  EXPECT_EQ(head->Field("x-name"), name);
  const uint32_t wire = head->header.stream;
  Feed(wire::Headers(wire, Response("200", {{"x-answer", name}}), false)
       << wire::Data(wire, "answer", true));
  HostStream& answered = stream(number);
  ASSERT_EQ(answered.heads.size(), 1u);
  EXPECT_EQ(answered.heads[0].status, 200);
  EXPECT_EQ(answered.heads[0].Field("x-answer"), name);
  EXPECT_EQ(answered.body, "answer");
  EXPECT_TRUE(answered.complete);
}

// ---- Runs

namespace {

void Run(H2Setup setup, int cut, const std::function<void(H2Harness&)>& test) {
  SCOPED_TRACE("cut " + std::to_string(cut));
  setup.cut = cut;
  {
    H2Harness harness(setup);
    test(harness);
  }
  EXPECT_EQ(test::FakeCodecMemory(), 0u);
}

}  // namespace

void ForAllCuts(const H2Setup& setup, const std::function<void(H2Harness&)>& test) {
  for (int cut = 0; cut < 10; ++cut) {
    Run(setup, cut, test);
    if (::testing::Test::HasFailure()) return;
  }
}

void Once(const H2Setup& setup, const std::function<void(H2Harness&)>& test) {
  Run(setup, 0, test);
}

}  // namespace weir::h2
