#include "tests/fuzz/h2_server/h2_connection.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/support/codec_pair.h"
#include "tests/unit/codecs/h2/h2_api.h"
#include "tests/unit/codecs/h2/h2_wire.h"

namespace weir::h2 {
namespace {

void Check(bool good, const char* rule) {
  if (good) return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

void Count(uint32_t, uint64_t) {}

const weir_host* Host() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = sizeof table;
    table.count = Count;
    return table;
  }();
  return &host;
}

const std::vector<std::pair<const char*, const char*>> kPairs = {
    {"x-a", "some value"},
    {"cookie", "a=1"},
    {"cookie", "b=2"},
    {"content-length", "10"},
    {"content-length", "0"},
    {"te", "trailers"},
    {"expect", "100-continue"},
    {"priority", "u=1, i"},
    {"host", "weir.test"},
    {"connection", "close"},
    {"x-large", "................................................................"},
    {":path", "/again"},
};

}  // namespace

H2Connection::H2Connection(uint8_t position, const uint8_t* data, size_t size)
    : position_(position),
      data_(data),
      left_(size),
      api_(Api()),
      peer_(position == WEIR_SERVER ? Position::kServer : Position::kClient),
      encoder_(PlainMemory()) {
  const weir_codec_params params = Params();
  most_held_ = std::max<uint64_t>({params.stream_window, params.stream_window_max, kDefaultWindow});
  codec_ = api_.create(&params);
  Check(codec_ != nullptr, "it is created");
}

H2Connection::~H2Connection() {
  api_.destroy(codec_);
  Check(test::FakeCodecMemory() == 0, "all memory is given back");
}

weir_codec_params H2Connection::Params() {
  const uint32_t choice = Byte();
  weir_codec_params params = test::FakeCodecParams(position_);
  params.host = Host();
  params.config = &options_;
  params.now_ms = &now_;
  if ((choice & 1) != 0) params.stream_window = 100;
  if ((choice & 2) != 0) params.stream_window_max = 1 << 20;
  if ((choice & 4) != 0) params.max_streams = 2;
  if ((choice & 8) != 0) params.max_head_bytes = 300;
  if ((choice & 16) != 0) params.flags |= WEIR_CODEC_ALLOW_UPGRADE | WEIR_CODEC_ALLOW_CONNECT;
  if ((choice & 32) != 0) params.flags |= WEIR_CODEC_DROP_TRAILERS;
  if ((choice & 64) != 0) {
    options_.initial_connection_window_size = 65535;
    options_.hpack_table_size = 100;
    options_.guards.control_pause_bytes = 256;
    options_.guards.control_max_bytes = 1024;
  }
  if ((choice & 128) != 0) {
    options_.keepalive_interval_ms = 5000;
    options_.encoder_table_size = 0;
    options_.guards.zero_window_ms = 2000;
  }
  return params;
}

uint32_t H2Connection::Take(uint32_t octets) {
  uint32_t value = 0;
  for (; octets > 0 && left_ > 0; --octets, --left_) value = value << 8 | *data_++;
  return value;
}

std::string H2Connection::TakeText(size_t most) {
  const size_t size = std::min(most, left_);
  const std::string text(reinterpret_cast<const char*>(data_), size);
  data_ += size;
  left_ -= size;
  return text;
}

// ---- Steps

void H2Connection::Run() {
  Produce(1 << 20);
  const uint32_t start = Byte();
  if (server() && (start & 1) == 0) Receive(wire::Preface());
  if ((start & 2) == 0) Receive(wire::Settings());
  if ((start & 4) == 0) Receive(wire::SettingsAck());
  while (left_ > 0 && !closed_) Step();
  // It may have to wait for the output more than once.
  for (size_t before = input_.size() + 1; !closed_ && before != input_.size();) {
    before = input_.size();
    Ask(WEIR_RECEIVE_EOF, true);
    Produce(1 << 20);
  }
  if (!closed_) Ask(WEIR_RECEIVE_EOF, true);
  for (const auto& [number, stream] : streams_) {
    Check(dead_ || closed_ || stream->complete || stream->over,
          "each half that is open is ended with the input");
  }
}

void H2Connection::Step() {
  switch (Byte() % 16) {
    case 0:
    case 1:
      return Receive(TakeText(Byte()));
    case 2:
    case 3:
    case 4:
      return Receive(SomeFrame());
    case 5:
    case 6:
      return Receive(SomeHead());
    case 7:
      return server() ? SendHead(Some()) : SendRequest();
    case 8:
    case 9:
      return SendBody(Some());
    case 10:
      if (HostStream* stream = Some(); stream != nullptr && stream->held > 0) {
        const auto size = static_cast<uint32_t>(1 + Take(2) % stream->held);
        stream->held -= size;
        api_.consumed(codec_, stream->number, size);
      }
      return;
    case 11:
      if (HostStream* stream = Some()) {
        api_.reset(codec_, stream->number, Byte() % 12, out_.out());
        stream->over = true;
      }
      return;
    case 12:
      return api_.goaway(codec_, 1 + Byte() % 2, out_.out());
    case 13:
      return Pass(uint64_t{Byte()} * 100);
    default:
      return Produce(1 + Take(2));
  }
}

H2Connection::HostStream* H2Connection::Some() {
  std::vector<HostStream*> live;
  for (const auto& [number, stream] : streams_) {
    if (!stream->over) live.push_back(stream.get());
  }
  return live.empty() ? nullptr : live[Byte() % live.size()];
}

// ---- The peer

std::string H2Connection::SomeFrame() {
  static constexpr uint8_t kTypes[] = {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 0x10, 0x33, 4};
  const uint32_t what = Take(2);
  const auto type = static_cast<FrameType>(kTypes[what & 15]);
  const uint32_t flags = what >> 8;
  const uint32_t stream = Byte() & 31;
  if (type == FrameType::kWindowUpdate) return wire::WindowUpdate(stream, Take(4));
  if (type == FrameType::kData && (what & 0x80) != 0)
    return wire::Frame(type, static_cast<int>(flags), stream, std::string(Take(2) & 0x3fff, 'd'));
  if (type == FrameType::kSettings && (what & 0x80) != 0)
    return wire::Settings({{static_cast<SettingId>(Byte() % 10), Take(4)}});
  return wire::Frame(type, static_cast<int>(flags), stream, TakeText(Byte() & 63));
}

std::string H2Connection::Block(const std::vector<weir_field>& fields) {
  test::FakeOut out;
  out.Room(8192);
  Check(encoder_.Begin(out.out()), "room");
  for (const weir_field& field : fields) Check(encoder_.Field(out.out(), field), "room");
  return out.Take();
}

// A request, a response or trailers, most of them good.
std::string H2Connection::SomeHead() {
  const uint32_t what = Take(2);
  std::vector<weir_field> fields;
  const bool trailers = (what & 7) == 7;
  const bool connect = (what & 24) == 24;
  if (!trailers && server()) {
    fields.push_back(test::Field(":method", connect ? "CONNECT" : "POST"));
    if (connect) fields.push_back(test::Field(":protocol", "websocket"));
    fields.push_back(test::Field(":scheme", "http"));
    fields.push_back(test::Field(":path", "/"));
    fields.push_back(test::Field(":authority", "weir.test"));
  } else if (!trailers) {
    static const char* const kStatus[] = {"200", "204", "304", "100", "103", "200", "200", "500"};
    fields.push_back(test::Field(":status", kStatus[what >> 3 & 7]));
  }
  for (uint32_t more = Byte(); more != 0 && fields.size() < 20; more >>= 4) {
    const auto& pair = kPairs[(more & 15) % kPairs.size()];
    fields.push_back(test::Field(pair.first, pair.second));
  }
  uint32_t stream = next_stream_;
  if (!server() || trailers) {
    stream = (what >> 8 & 15) * 2 + 1;
  } else {
    next_stream_ += 2;
  }
  const bool end = (what & 0x40) != 0;
  const std::string block = Block(fields);
  if ((what & 0x80) == 0) return wire::Headers(stream, block, end);
  const size_t cut = Byte() % (block.size() + 1);
  return wire::Headers(stream, block.substr(0, cut), end, false) +
         wire::Continuation(stream, block.substr(cut), true);
}

void H2Connection::Receive(const std::string& bytes) {
  input_ += bytes;
  if (!closed_) Ask(0, false);
}

void H2Connection::Ask(uint32_t flags, bool to_the_end) {
  peer_.CodecWrote(out_.Take());  // before what is read now
  while (true) {
    std::vector<uint8_t> span(input_.begin(), input_.end());
    span.resize(input_.size() + 64);
    weir_event event{};
    const size_t size = input_.size();
    const size_t used = api_.receive(codec_, span.data(), size, flags, &event);
    Check(used <= size, "no more is used than was shown");
    peer_.CodecRead(std::string_view(input_).substr(0, used));
    input_.erase(0, used);
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) return;
    OnEvent(event, span.data(), used);
    if (input_.empty() && !to_the_end) return;
  }
}

// ---- Events

void H2Connection::Read(const weir_head& head) {
  const auto read = [this](const char* text, size_t size) {
    for (size_t i = 0; i < size; ++i) sum_ += static_cast<uint8_t>(text[i]);
  };
  for (const weir_view& view : {head.method, head.scheme, head.authority, head.path, head.protocol})
    read(view.data, view.size);
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    read(field.name, field.name_size);
    read(field.value, field.value_size);
    Check(field.name_size > 0 && field.name[0] != ':', "pseudo-fields are no fields");
    Check(field.token == 0 || field.token > WEIR_TOKEN_HTTP2_SETTINGS, "framing is values");
  }
}

void H2Connection::OnEvent(const weir_event& event, const uint8_t* span, size_t used) {
  Check(!dead_, "nothing is told after an error of the connection");
  if (event.type == WEIR_EVENT_GOAWAY) return;
  if (event.type == WEIR_EVENT_ERROR && event.error.scope == WEIR_SCOPE_CONNECTION) {
    dead_ = true;
    return;
  }
  const auto found = streams_.find(event.stream);
  if (event.user == nullptr) {
    Check(server() && found == streams_.end(), "a new stream has a new number");
    // A head that was refused with a reset is told for the log alone.
    if (event.type == WEIR_EVENT_ERROR && event.error.status == 0) return;
    Check(event.type == WEIR_EVENT_HEAD ||
              (event.type == WEIR_EVENT_ERROR && event.error.status != 0),
          "a stream begins with its head, or with what to answer");
    auto stream = std::make_unique<HostStream>();
    stream->number = event.stream;
    stream->complete = event.end_stream != 0 || event.type == WEIR_EVENT_ERROR;
    api_.adopt(codec_, event.stream, stream->out.handle());
    streams_[event.stream] = std::move(stream);
    if (event.type == WEIR_EVENT_HEAD) Read(*event.head);
    return;
  }
  Check(found != streams_.end() && found->second->out.handle() == event.user,
        "an event is of a stream that the host knows");
  HostStream* stream = found->second.get();
  Check(!stream->over, "no event of a stream that is over");
  const bool early_end = event.type == WEIR_EVENT_RESET || event.type == WEIR_EVENT_ERROR;
  Check(!stream->complete || early_end, "no event of a half that is complete");
  if (event.type == WEIR_EVENT_DATA) {
    Check(event.size > 0 && event.data >= span && event.data + event.size <= span + used,
          "data lie in the span");
    stream->held += event.size;
    Check(stream->held <= most_held_, "no more than the window is given");
  }
  if (event.type == WEIR_EVENT_HEAD || event.type == WEIR_EVENT_TRAILERS) Read(*event.head);
  if (event.end_stream != 0 || event.type == WEIR_EVENT_TRAILERS || event.type == WEIR_EVENT_END)
    OnEnd(stream, event);
  if (early_end) stream->over = true;
}

void H2Connection::OnEnd(HostStream* stream, const weir_event&) {
  stream->complete = true;
  if (stream->end_sent) stream->over = true;
}

// ---- The host

void H2Connection::SendHead(HostStream* stream) {
  if (stream == nullptr) return;
  const uint32_t what = Byte();
  std::vector<weir_field> fields = {test::Field("x-answer", "value")};
  std::string large;
  if ((what & 0x80) != 0) {
    large.assign(20000, 'l');
    fields.push_back(test::Field("x-large", large));
  }
  static constexpr uint16_t kStatus[] = {200, 204, 304, 100, 103, 200, 101, 500};
  const uint16_t status = kStatus[what & 7];
  weir_head head =
      test::Head(status < 200 && status != 101 ? WEIR_HEAD_INTERIM : WEIR_HEAD_RESPONSE, &fields);
  head.status = status;
  if ((what & 8) != 0) head.flags |= WEIR_HEAD_TUNNEL;
  const bool end = (what & 16) != 0;
  const int32_t result = api_.send_head(codec_, stream->number, &head, end, out_.out());
  if (result != WEIR_OK || head.kind == WEIR_HEAD_INTERIM) return;
  Check(!stream->head_sent, "one final head");
  stream->head_sent = true;
  stream->tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  if (end) Sent(stream);
}

void H2Connection::SendRequest() {
  auto stream = std::make_unique<HostStream>();
  const uint32_t number = api_.open(codec_, stream->out.handle());
  Check((number == 0) == (api_.capacity(codec_) == 0 && number == 0) || number != 0,
        "room means that it opens");
  if (number == 0) return;
  Check(streams_.count(number) == 0, "numbers are not used again");
  stream->number = number;
  const uint32_t what = Byte();
  std::vector<weir_field> fields = {test::Field("x-ask", "value")};
  weir_head head = test::Head(WEIR_HEAD_REQUEST, &fields);
  head.method = (what & 1) != 0 ? weir_view{"HEAD", 4} : weir_view{"POST", 4};
  head.path = {"/", 1};
  head.authority = {"weir.test", 9};
  head.group = what >> 5;
  if ((what & 2) != 0) {
    head.flags |= WEIR_HEAD_TUNNEL;
    head.protocol = {"websocket", 9};
  }
  HostStream* opened = stream.get();
  streams_[number] = std::move(stream);
  if ((what & 4) != 0) return;  // its head comes never
  const bool end = (what & 8) != 0;
  if (api_.send_head(codec_, number, &head, end, out_.out()) != WEIR_OK) return;
  opened->head_sent = true;
  if (end) Sent(opened);
}

void H2Connection::Sent(HostStream* stream) {
  stream->end_sent = true;
  // What is over for the codec is over for the host.
  if ((server() && !stream->tunnel) || stream->complete) stream->over = true;
}

void H2Connection::SendBody(HostStream* stream) {
  if (stream == nullptr || stream->out.end) return;
  const uint32_t what = Take(2);
  stream->out.body += std::string(what & 0x7fff, 'b');
  if ((what & 0x8000) != 0) {
    stream->out.end = true;
    if ((what & 1) != 0) {
      stream->trailer_fields = {test::Field("x-trailer", "value")};
      stream->trailers = test::Head(WEIR_HEAD_TRAILERS, &stream->trailer_fields);
      stream->out.trailers = &stream->trailers;
    }
  }
  api_.ready(codec_, stream->number);
}

void H2Connection::Produce(uint64_t budget) {
  const uint32_t result = api_.produce(codec_, budget, out_.out());
  peer_.CodecWrote(out_.Take());
  Check(peer_.fault().empty(), peer_.fault().c_str());
  for (const auto& [number, stream] : streams_) {
    if (stream->out.sent_all && !stream->end_sent) Sent(stream.get());
  }
  if ((result & WEIR_PRODUCED_CLOSE) != 0) {
    closed_ = true;
    Check(api_.capacity(codec_) == 0, "no room on a connection that is over");
    return;
  }
  if ((result & WEIR_PRODUCED_EVENTS) != 0) {
    Ask(0, true);
  } else if (!input_.empty()) {
    Ask(0, false);  // what had to wait for the output
  }
}

void H2Connection::Pass(uint64_t ms) {
  now_ += ms;
  const uint64_t due = api_.deadline(codec_);
  if (due == 0 || due > now_) return;
  api_.tick(codec_, now_, out_.out());
  Produce(1);
}

}  // namespace weir::h2
