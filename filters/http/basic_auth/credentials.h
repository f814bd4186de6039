#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::filters {

constexpr std::size_t kMaxUserName = 255;
// crypt takes no more than 511; bcrypt looks at the first 72.
constexpr std::size_t kMaxPassword = 500;

// What stands in a field of RFC 7617. The password is overwritten when it goes.
struct Credentials {
  enum class Problem : std::uint8_t { kNone, kScheme, kFormat };

  std::string user;
  std::string password;

  Credentials() = default;
  Credentials(const Credentials&) = default;
  Credentials& operator=(const Credentials&) = default;
  ~Credentials();

  // Of "Basic dXNlcjpwYXNz".
  Problem Parse(std::string_view field);
};

}  // namespace weir::filters
