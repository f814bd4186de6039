#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "plugins/abi/weir.h"

namespace weir::kit {

// A message as a filter under test sees it.
struct FakeMessage {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::string injected;                           // what went past the filter between its hooks
  std::uint64_t inject_room = ~std::uint64_t{0};  // as much of it is there: no room for more
  std::optional<std::uint64_t> length;            // set by body_length
  std::uint64_t buffer_limit = 0;                 // set by set_buffer_limit
  bool gone = false;                              // it has gone by: writers are refused

  // The values of a field, joined by "|"; "(none)" when there is none.
  std::string Values(std::string_view name) const;
};

// A stream in a host that keeps everything in plain vectors and follows the rules of weir_http_api:
// it refuses framing names, pseudo names, upper case, bad bytes and messages that have gone by.
// Shows bodies in pieces of 7 bytes, so that a filter which expects all of one in one piece is
// seen.
struct FakeHttpStream {
  FakeHttpStream();
  ~FakeHttpStream();
  FakeHttpStream(const FakeHttpStream&) = delete;
  FakeHttpStream& operator=(const FakeHttpStream&) = delete;

  FakeMessage messages[4];  // by WEIR_REQUEST, WEIR_RESPONSE, ...
  std::vector<std::pair<std::string, std::string>> start = {
      {":method", "GET"}, {":path", "/"}, {":authority", "example.com"}, {":scheme", "http"}};
  std::uint32_t status = 200;
  void* route_config = nullptr;
  std::map<std::uint32_t, std::string> attributes;  // WEIR_ATTR_*
  std::map<std::uint32_t, std::int64_t> numbers;    // WEIR_NUMBER_*
  std::map<std::pair<std::string, std::string>, std::string> metadata;
  std::int32_t route_status = WEIR_OK;  // what refresh_route answers

  // What the filter asked for.
  int local_replies = 0;
  std::uint32_t reply_status = 0;
  std::string reply_body;
  std::vector<std::pair<std::string, std::string>> reply_fields;
  std::string reply_details;
  std::vector<std::string> flags;  // set_flag
  int resets = 0;
  int resumes = 0;
  int resumed[2] = {0, 0};  // of these, by WEIR_REQUEST and WEIR_RESPONSE
  int route_refreshes = 0;
  bool trailers_added[4] = {};
  // From here on each writer fails: 0 for no.
  std::int32_t failure = 0;
  // Mistakes: calls after End, or from another thread than the one that made the stream.
  int late_calls = 0;
  int foreign_calls = 0;

  // From here on its ticket finds nothing.
  void End();
  void SetStart(std::string_view name, std::string_view value);
  // The value of a field of the local reply; empty when it has none.
  std::string ReplyField(std::string_view name) const;

  weir_stream* handle() { return reinterpret_cast<weir_stream*>(this); }
  weir_ticket ticket() const { return {{id_, worker_ + 1}}; }
  // Null when it has ended.
  static FakeHttpStream* FromTicket(weir_ticket ticket);

 private:
  friend FakeHttpStream& Seen(FakeHttpStream& stream);

  std::uint64_t id_;
  std::uint64_t worker_;
  std::thread::id thread_;
  bool over_ = false;
};

const weir_http_api* FakeHttpApi();

}  // namespace weir::kit
