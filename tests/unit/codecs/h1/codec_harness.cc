#include "tests/unit/codecs/h1/codec_harness.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "plugins/abi/tokens.h"
#include "plugins/util/token.h"

namespace weir::h1 {

namespace {

int64_t allocated = 0;

void* Alloc(size_t size) {
  allocated += static_cast<int64_t>(size);
  return std::malloc(size);
}

void Free(void* memory, size_t size) {
  allocated -= static_cast<int64_t>(size);
  std::free(memory);
}

// The output of the harness that runs; one codec runs at a time.
struct OutputState {
  std::string* text = nullptr;
  std::vector<uint8_t>* room = nullptr;
  size_t step = 0;
} current;

void Flush(weir_out* out) {
  if (out->at != nullptr) {
    current.text->append(reinterpret_cast<char*>(current.room->data()),
                         static_cast<size_t>(out->at - current.room->data()));
  }
  *out = {nullptr, nullptr};
}

void OutRoom(weir_out* out, size_t size) {
  if (size > 65536) std::abort();
  Flush(out);
  current.room->assign(size + current.step, 0);
  current.room->shrink_to_fit();
  out->at = current.room->data();
  out->limit = out->at + current.room->size();
}

TestStream& Of(weir_stream* stream) {
  return *reinterpret_cast<TestStream*>(stream);
}

void Body(weir_stream* stream, weir_body_info* info) {
  *info = weir_body_info{};
  info->available = Of(stream).body.size();
  info->end = Of(stream).end && Of(stream).trailers.empty() ? 1 : 0;
  info->trailers = Of(stream).end && !Of(stream).trailers.empty() ? 1 : 0;
}

void TakeBody(weir_stream* stream, weir_out* out, uint64_t size) {
  if (size > Of(stream).body.size()) std::abort();
  Flush(out);
  current.text->append(Of(stream).body, 0, size);
  Of(stream).body.erase(0, size);
}

weir_field FieldOf(const std::pair<std::string, std::string>& pair) {
  weir_field field{};
  field.name = pair.first.data();
  field.name_size = static_cast<uint16_t>(pair.first.size());
  field.value = pair.second.data();
  field.value_size = static_cast<uint32_t>(pair.second.size());
  field.token = util::FindToken(pair.first);
  return field;
}

const weir_head* Trailers(weir_stream* stream) {
  TestStream& self = Of(stream);
  self.trailer_fields.clear();
  for (const auto& pair : self.trailers) self.trailer_fields.push_back(FieldOf(pair));
  self.trailer_head = weir_head{};
  self.trailer_head.struct_size = sizeof(weir_head);
  self.trailer_head.kind = WEIR_HEAD_TRAILERS;
  self.trailer_head.fields = self.trailer_fields.data();
  self.trailer_head.field_count = static_cast<uint32_t>(self.trailer_fields.size());
  return &self.trailer_head;
}

constexpr weir_codec_host kCodecHost = {
    sizeof(weir_codec_host), 0, Alloc, Free, OutRoom, Body, TakeBody, Trailers,
};

void Random(uint8_t* out, size_t size) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(i * 7 + 1);
}

uint32_t Rotate(uint32_t x, int by) {
  return x << by | x >> (32 - by);
}

// FIPS 180-4; for one short message.
void Sha1(const uint8_t* in, size_t size, uint8_t out[20]) {
  std::string text(reinterpret_cast<const char*>(in), size);
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>((size * 8) >> shift);
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (size_t block = 0; block < text.size(); block += 64) {
    uint32_t w[80];
    for (size_t i = 0; i < 16; ++i) {
      const auto* p = reinterpret_cast<const uint8_t*>(text.data()) + block + i * 4;
      w[i] = static_cast<uint32_t>(p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
    }
    for (size_t i = 16; i < 80; ++i) w[i] = Rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (size_t i = 0; i < 80; ++i) {
      const uint32_t f = i < 20   ? (b & c) | (~b & d)
                         : i < 40 ? b ^ c ^ d
                         : i < 60 ? (b & c) | (b & d) | (c & d)
                                  : b ^ c ^ d;
      constexpr uint32_t kK[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
      const uint32_t next = Rotate(a, 5) + f + e + kK[i / 20] + w[i];
      e = d;
      d = c;
      c = Rotate(b, 30);
      b = a;
      a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
  }
  for (size_t i = 0; i < 20; ++i) out[i] = static_cast<uint8_t>(h[i / 4] >> (24 - i % 4 * 8));
}

std::string Text(weir_view view) {
  return {view.data == nullptr ? "" : view.data, view.size};
}
weir_view View(const std::string& text) {
  return {text.data(), text.size()};
}

}  // namespace

const weir_host& TestHost() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = offsetof(weir_host, sha256);
    table.abi_minor = WEIR_ABI_MINOR;
    table.random = Random;
    table.sha1 = Sha1;
    return table;
  }();
  return host;
}

TestHead::TestHead(const weir_head& head)
    : kind(head.kind),
      version(head.http_version),
      status(head.status),
      flags(head.flags),
      length(head.content_length),
      method(Text(head.method)),
      scheme(Text(head.scheme)),
      authority(Text(head.authority)),
      path(Text(head.path)),
      protocol(Text(head.protocol)) {
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    fields.emplace_back(std::string(field.name, field.name_size),
                        std::string(field.value, field.value_size));
  }
}

std::string TestHead::Describe() const {
  std::string text;
  switch (kind) {
    case WEIR_HEAD_REQUEST:
      text = "HEAD " + method + " [" + scheme + "] " + authority + " " + path;
      break;
    case WEIR_HEAD_INTERIM:
      text = "INTERIM " + std::to_string(status);
      break;
    case WEIR_HEAD_RESPONSE:
      text = "RESPONSE " + std::to_string(status);
      break;
    default:
      text = "TRAILERS";
      break;
  }
  if (version != 11) text += " v" + std::to_string(version);
  if (!protocol.empty()) text += " protocol=" + protocol;
  if ((flags & WEIR_HEAD_HAS_LENGTH) != 0) text += " length=" + std::to_string(length);
  if ((flags & WEIR_HEAD_TE_TRAILERS) != 0) text += " te";
  if ((flags & WEIR_HEAD_EXPECT_CONTINUE) != 0) text += " expect";
  if ((flags & WEIR_HEAD_TUNNEL) != 0) text += " tunnel";
  if ((flags & WEIR_HEAD_NO_BODY) != 0) text += " nobody";
  for (const auto& [name, value] : fields) text.append(" ").append(name).append("=").append(value);
  return text;
}

TestHead Request(std::string method, std::string path, std::string authority) {
  TestHead head;
  head.method = std::move(method);
  head.path = std::move(path);
  head.authority = std::move(authority);
  return head;
}

TestHead Response(uint16_t status) {
  TestHead head;
  head.kind = WEIR_HEAD_RESPONSE;
  head.status = status;
  return head;
}

TestHead Interim(uint16_t status) {
  TestHead head = Response(status);
  head.kind = WEIR_HEAD_INTERIM;
  return head;
}

CodecHarness::CodecHarness(CodecOptions options)
    : api_(static_cast<const weir_codec_api*>(weir_plugin_h1.extensions[0].api)),
      options_(options) {
  weir_codec_params params{};
  params.struct_size = sizeof(params);
  params.position = options.position;
  params.raw_form = options.raw_form;
  params.host = &TestHost();
  params.codec_host = &kCodecHost;
  params.config = options.config;
  params.max_head_bytes = options.max_head_bytes;
  params.max_field_count = options.max_field_count;
  params.max_trailer_bytes = options.max_trailer_bytes;
  params.stream_window = options.stream_window;
  params.max_streams = 1;
  params.flags = options.flags;
  codec_ = api_->create(&params);
  if (codec_ == nullptr) std::abort();
}

CodecHarness::~CodecHarness() {
  api_->destroy(codec_);
}

int64_t CodecHarness::allocated_bytes() {
  return allocated;
}

void CodecHarness::Feed(std::string_view bytes) {
  pending_ += bytes;
  Show(false);
}

void CodecHarness::FeedEof() {
  Show(true);
}

void CodecHarness::FeedCuts(std::string_view bytes, const test::Cuts& cuts) {
  for (const size_t cut : cuts) {
    Feed(bytes.substr(0, cut));
    bytes.remove_prefix(cut);
  }
}

void CodecHarness::Show(bool eof) {
  while (true) {
    current = {&output_, &room_, options_.room_step};
    // A fresh place each time, with exactly 64 bytes behind it.
    std::vector<uint8_t> span(pending_.begin(), pending_.end());
    span.resize(pending_.size() + 64, 0xA5);
    span.shrink_to_fit();
    weir_event event;
    std::memset(&event, 0xEE, sizeof(event));
    ++calls_;
    const size_t used = api_->receive(codec_, span.data(), pending_.size(),
                                      eof ? uint32_t{WEIR_RECEIVE_EOF} : 0, &event);
    if (used > pending_.size()) std::abort();
    for (size_t i = pending_.size(); i < span.size(); ++i) {
      if (span[i] != 0xA5) std::abort();  // the padding is not the codec's
    }
    // What was changed in place stays changed, as it does in a slab.
    pending_.assign(reinterpret_cast<char*>(span.data()) + used, pending_.size() - used);
    Log(event);
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) break;
  }
}

void CodecHarness::LogData(const weir_event& event) {
  const std::string data(reinterpret_cast<const char*>(event.data), event.size);
  const bool joins = !events_.empty() && events_.back().rfind("DATA ", 0) == 0;
  if (joins) {
    events_.back() += data;
  } else {
    events_.push_back("DATA " + data);
  }
  if (event.end_stream != 0) events_.emplace_back("END");
  if (options_.consume) api_->consumed(codec_, event.stream, static_cast<uint32_t>(event.size));
}

void CodecHarness::Log(const weir_event& event) {
  last_event_ = event;
  const weir_error& error = event.error;
  const std::string detail = error.detail == nullptr ? "-" : error.detail;
  switch (event.type) {
    case WEIR_EVENT_HEAD:
    case WEIR_EVENT_TRAILERS:
      last_head_ = TestHead(*event.head);
      if (head_hook_ != nullptr) head_hook_(head_context_, *event.head);
      events_.push_back(last_head_.Describe());
      if (event.end_stream != 0) events_.emplace_back("END");
      if (options_.position == WEIR_SERVER && event.type == WEIR_EVENT_HEAD) {
        stream_ = event.stream;
        streams_.push_back(std::make_unique<TestStream>());
        api_->adopt(codec_, stream_, stream().handle());
      }
      break;
    case WEIR_EVENT_DATA:
      LogData(event);
      break;
    case WEIR_EVENT_END:
      events_.emplace_back("END");
      break;
    case WEIR_EVENT_RESET:
      events_.push_back("RESET " + std::to_string(error.reason));
      break;
    case WEIR_EVENT_ERROR:
      events_.push_back("ERROR " + std::to_string(error.status) + " " + detail);
      if (options_.position == WEIR_SERVER && event.stream != 0 && event.user == nullptr) {
        stream_ = event.stream;
        streams_.push_back(std::make_unique<TestStream>());
        api_->adopt(codec_, stream_, stream().handle());
      }
      break;
    default:
      break;
  }
}

uint32_t CodecHarness::Open() {
  streams_.push_back(std::make_unique<TestStream>());
  stream_ = api_->open(codec_, stream().handle());
  return stream_;
}

int32_t CodecHarness::Send(const TestHead& head, bool end_stream) {
  std::vector<weir_field> fields;
  fields.reserve(head.fields.size());
  for (const auto& pair : head.fields) fields.push_back(FieldOf(pair));
  weir_head raw{};
  raw.struct_size = sizeof(raw);
  raw.kind = head.kind;
  raw.http_version = head.version;
  raw.status = head.status;
  raw.flags = head.flags;
  raw.content_length = head.length;
  raw.method = View(head.method);
  raw.scheme = View(head.scheme);
  raw.authority = View(head.authority);
  raw.path = View(head.path);
  raw.protocol = View(head.protocol);
  raw.fields = fields.data();
  raw.field_count = static_cast<uint32_t>(fields.size());
  return SendRaw(raw, end_stream);
}

int32_t CodecHarness::SendRaw(const weir_head& head, bool end_stream) {
  current = {&output_, &room_, options_.room_step};
  return api_->send_head(codec_, stream_, &head, end_stream ? 1 : 0, &out_);
}

void CodecHarness::Body(std::string_view bytes, bool end) {
  stream().body += bytes;
  stream().end = end;
  api_->ready(codec_, stream_);
}

uint32_t CodecHarness::Produce(uint64_t budget) {
  current = {&output_, &room_, options_.room_step};
  return api_->produce(codec_, budget, &out_);
}

std::string CodecHarness::EventText() const {
  std::string text;
  for (const std::string& event : events_) text += event + "\n";
  return text;
}

std::string CodecHarness::TakeOutput() {
  current = {&output_, &room_, options_.room_step};
  Flush(&out_);
  return std::exchange(output_, {});
}

}  // namespace weir::h1
