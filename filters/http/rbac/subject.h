#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/util/ip_address.h"

namespace weir::filters::rbac {

enum class Address : std::uint8_t {
  kDirect,  // the socket's peer
  kRemote,  // the client, by PROXY headers and forwarding fields as far as those are trusted
  kLocal    // ours
};

// Who asks, and for what: a request or a connection, as the rules look at it. Lives on the stack of
// one judgement; views live as long as that.
class Subject {
 public:
  Subject(const weir_http_api* http, weir_stream* stream) : http_(http), stream_(stream) {}
  Subject(const weir_network_api* network, weir_connection* connection)
      : network_(network), connection_(connection) {}
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  // Null for a connection.
  const weir_http_api* http() const { return http_; }
  weir_stream* stream() const { return stream_; }

  // Null where it is no IP address, as with Unix sockets. Read once.
  const util::IpPort* address(Address which) const;
  // WEIR_ATTR_*; empty when it is not known.
  std::string_view Attribute(std::uint32_t id) const;
  // A client certificate was shown and verified.
  bool Verified() const;
  std::optional<std::string_view> Metadata(std::string_view space, std::string_view key) const;
  // The path without its query; empty for a connection.
  std::string_view path() const;

 private:
  struct Cached {
    bool read = false;
    std::optional<util::IpPort> value;
  };

  const weir_http_api* http_ = nullptr;
  weir_stream* stream_ = nullptr;
  const weir_network_api* network_ = nullptr;
  weir_connection* connection_ = nullptr;
  mutable Cached addresses_[3];
};

}  // namespace weir::filters::rbac
