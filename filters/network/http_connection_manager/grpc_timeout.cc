#include "filters/network/http_connection_manager/grpc_timeout.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace weir::hcm {
namespace {

constexpr size_t kMostDigits = 8;
constexpr int64_t kMost = 99'999'999;

struct Unit {
  char name;
  int64_t ms;
};
// Finest first. 99,999,999 hours are 3.6e14 ms: nothing overflows.
constexpr Unit kUnits[] = {{'m', 1}, {'S', 1'000}, {'M', 60'000}, {'H', 3'600'000}};

}  // namespace

std::optional<config::Milliseconds> ParseGrpcTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kMostDigits + 1) return std::nullopt;
  int64_t value = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  const char name = text.back();
  if (name == 'u') return config::Milliseconds((value + 999) / 1'000);
  if (name == 'n') return config::Milliseconds((value + 999'999) / 1'000'000);
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return config::Milliseconds(value * unit.ms);
  }
  return std::nullopt;
}

config::Milliseconds BoundGrpcTimeout(config::Milliseconds wanted, config::Milliseconds most,
                                      config::Milliseconds offset) {
  if (most.count() != 0) wanted = std::min(wanted, most);
  return wanted > offset ? wanted - offset : config::Milliseconds(0);
}

std::string_view GrpcTimeoutText::Format(config::Milliseconds timeout) {
  for (const Unit& unit : kUnits) {
    const int64_t value = timeout.count() / unit.ms;
    if (value > kMost && unit.name != 'H') continue;
    char* end = std::to_chars(text_, text_ + kMostDigits, std::min(value, kMost)).ptr;
    *end++ = unit.name;
    return {text_, static_cast<size_t>(end - text_)};
  }
  return {};
}

}  // namespace weir::hcm
