// A small host for one codec: streams with bodies to send, an output that grows in awkward steps,
// memory that is counted, and a driver that shows bytes in pieces at changing addresses.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/weir.h"
#include "tests/support/random_splitter.h"

extern "C" const weir_plugin_descriptor weir_plugin_h1;

namespace weir::h1 {

// What a stream has to send.
struct TestStream {
  std::string body;
  bool end = false;
  std::vector<std::pair<std::string, std::string>> trailers;
  // Filled by trailers().
  std::vector<weir_field> trailer_fields;
  weir_head trailer_head{};

  weir_stream* handle() { return reinterpret_cast<weir_stream*>(this); }
};

// A head in the form of text, so that a test can write one.
struct TestHead {
  TestHead() = default;
  explicit TestHead(const weir_head& head);

  uint8_t kind = WEIR_HEAD_REQUEST;
  uint8_t version = 11;
  uint16_t status = 0;
  uint32_t flags = 0;
  uint64_t length = 0;
  std::string method, scheme, authority, path, protocol;
  std::vector<std::pair<std::string, std::string>> fields;

  // "HEAD GET http a.example /x [websocket] 11 flags=HAS_LENGTH(5) name=value;..."
  std::string Describe() const;
};

TestHead Request(std::string method, std::string path, std::string authority = "a.example");
TestHead Response(uint16_t status);
TestHead Interim(uint16_t status);

struct CodecOptions {
  uint8_t position = WEIR_SERVER;
  uint32_t max_head_bytes = 65536;
  uint32_t max_field_count = 100;
  uint32_t max_trailer_bytes = 8192;
  uint32_t stream_window = 65536;
  uint32_t flags = WEIR_CODEC_ACCEPT_HTTP_10 | WEIR_CODEC_ALLOW_CONNECT | WEIR_CODEC_ALLOW_UPGRADE;
  uint8_t raw_form = 7;
  void* config = nullptr;
  bool consume = true;   // call `consumed` for all data at once
  size_t room_step = 0;  // out_room gives this much more than asked
};

class CodecHarness {
 public:
  explicit CodecHarness(CodecOptions options = {});
  ~CodecHarness();
  CodecHarness(const CodecHarness&) = delete;
  CodecHarness& operator=(const CodecHarness&) = delete;

  // Shows bytes as long as something happens; adds what happens to events(). What is not consumed
  // is kept and shown again. Data of consecutive events is put together, so that the log does not
  // depend on the pieces.
  void Feed(std::string_view bytes);
  void FeedEof();
  void FeedCuts(std::string_view bytes, const test::Cuts& cuts);
  // Shows what is left again, after `consumed` or the end of a stream.
  void Poke() { Feed({}); }

  // Client: opens a stream and sends its request.
  uint32_t Open();
  int32_t Send(const TestHead& head, bool end_stream);
  int32_t SendRaw(const weir_head& head, bool end_stream);  // with the given field array
  void Body(std::string_view bytes, bool end);
  uint32_t Produce(uint64_t budget = UINT64_MAX);
  void Consumed(uint32_t size) { api_->consumed(codec_, stream_, size); }
  void Reset(uint32_t reason) { api_->reset(codec_, stream_, reason, &out_); }
  void GoAway(uint32_t phase) { api_->goaway(codec_, phase, &out_); }
  uint32_t Capacity() const { return api_->capacity(codec_); }
  bool Reusable() const { return api_->reusable(codec_) != 0; }

  // The events so far as lines; the output so far. Take empties.
  const std::vector<std::string>& events() const { return events_; }
  std::string EventText() const;
  std::vector<std::string> TakeEvents() { return std::exchange(events_, {}); }
  std::string TakeOutput();

  const TestHead& last_head() const { return last_head_; }
  const weir_event& last_event() const { return last_event_; }
  // Called with each head while it is valid.
  using HeadHook = void (*)(void* context, const weir_head& head);
  void OnHead(HeadHook hook, void* context) {
    head_hook_ = hook;
    head_context_ = context;
  }
  TestStream& stream() { return *streams_.back(); }
  uint32_t stream_number() const { return stream_; }
  size_t left() const { return pending_.size(); }
  size_t calls() const { return calls_; }
  weir_codec* codec() { return codec_; }
  const weir_codec_api& api() const { return *api_; }

  static int64_t allocated_bytes();

 private:
  void Show(bool eof);
  void Log(const weir_event& event);
  void LogData(const weir_event& event);

  const weir_codec_api* api_;
  CodecOptions options_;
  weir_codec* codec_ = nullptr;
  std::vector<std::unique_ptr<TestStream>> streams_;
  uint32_t stream_ = 0;
  std::string pending_;
  weir_out out_{};
  std::string output_;
  std::vector<uint8_t> room_;
  std::vector<std::string> events_;
  TestHead last_head_;
  weir_event last_event_{};
  HeadHook head_hook_ = nullptr;
  void* head_context_ = nullptr;
  size_t calls_ = 0;
};

// The host functions that a codec may call; random() gives a counted pattern.
const weir_host& TestHost();

}  // namespace weir::h1
