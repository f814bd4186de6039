#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weir::server {

// Where an admin listener is asked. Made of "http://host:port", "http://host:port/prefix" or
// "unix:/path".
struct AdminUrl {
  std::string host;  // of IPv6 without brackets; empty: a Unix socket
  std::string port;
  std::string prefix;     // without a slash at its end
  std::string authority;  // what the request names
  std::string path;       // of the Unix socket
};

// None, with what was expected in *error.
std::optional<AdminUrl> ParseAdminUrl(std::string_view url, std::string* error);

struct AdminAnswer {
  int status = 0;     // 0: there was no answer
  std::string body;   // at most kMaxAdminAnswer bytes
  std::string error;  // why there was none
};

inline constexpr size_t kMaxAdminAnswer = 64 << 20;

// One GET on a connection of its own; blocks, for `timeout` at most, a host's name not counted.
// `token` may be empty.
AdminAnswer AskAdmin(const AdminUrl& url, std::string_view target, std::string_view token,
                     std::chrono::milliseconds timeout);

}  // namespace weir::server
