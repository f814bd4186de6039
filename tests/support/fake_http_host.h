#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/diagnostics.h"
#include "core/config/node.h"
#include "plugins/abi/weir.h"

namespace weir::test {

// A message as a filter under test sees it.
struct FakeMessage {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool gone = false;  // it has gone by: writers are refused

  // The values of a field, joined by "|"; "(none)" when there is none.
  std::string Values(std::string_view name) const;
};

// A stream in a host that keeps everything in plain vectors and follows the rules of weir_http_api:
// it refuses framing names, pseudo names, upper case, bad bytes and messages that have gone by.
struct FakeHttpStream {
  FakeMessage messages[4];  // by WEIR_REQUEST, WEIR_RESPONSE, ...
  std::vector<std::pair<std::string, std::string>> start = {
      {":method", "GET"}, {":path", "/"}, {":authority", "example.com"}, {":scheme", "http"}};
  std::uint32_t status = 200;
  void* route_config = nullptr;

  // What the filter asked for.
  int local_replies = 0;
  std::uint32_t reply_status = 0;
  std::string reply_body;
  std::vector<std::pair<std::string, std::string>> reply_fields;
  std::string reply_details;
  int resets = 0;
  int resumes = 0;
  // From here on each writer fails: 0 for no.
  std::int32_t failure = 0;

  weir_stream* handle() { return reinterpret_cast<weir_stream*>(this); }
};

const weir_http_api* FakeHttpApi();

// A connection for network filters.
struct FakeConnection {
  std::string received;
  std::string written;
  bool ended = false;  // write with end_stream
  bool closed = false;
  bool flushed = false;                     // closed after the output
  std::uint64_t limit = ~std::uint64_t{0};  // of `written`: beyond it write_received has no room
  std::int32_t failure = 0;

  weir_connection* handle() { return reinterpret_cast<weir_connection*>(this); }
};

const weir_network_api* FakeNetworkApi();

// A host whose configuration nodes are the product's own, and whose log and counters go nowhere.
const weir_host* FakeHost();

// A filter's configuration made from YAML, with what was found wrong in it.
class FakeConfig {
 public:
  FakeConfig() = default;
  ~FakeConfig();
  FakeConfig(FakeConfig&& other) noexcept;
  FakeConfig& operator=(FakeConfig&&) = delete;

  // An empty text stands for "no configuration given".
  static FakeConfig Http(const weir_http_filter_api& api, std::string_view yaml,
                         bool per_route = false);
  static FakeConfig Network(const weir_network_filter_api& api, std::string_view yaml);

  void* get() const { return config_; }
  bool ok() const { return ok_; }
  // "line:column: message; expected ..." of each mistake, a line each.
  const std::string& errors() const { return errors_; }

 private:
  template <typename Make>
  void Load(std::string_view yaml, Make make);

  void* config_ = nullptr;
  void (*free_)(void*) = nullptr;
  bool ok_ = false;
  std::string errors_;
};

}  // namespace weir::test
