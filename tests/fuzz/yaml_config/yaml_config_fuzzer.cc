#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/config/loader.h"

// Any bytes are a configuration or a list of mistakes, never a crash. What loads must load again
// from its long form, and mean the same.

namespace {

using weir::config::Address;
using weir::config::LoadOptions;
using weir::config::LoadResult;

LoadOptions Options() {
  LoadOptions options;
  options.resolve = [](const std::string& host, std::uint16_t port, std::string* error) {
    std::vector<Address> found;
    if (host.size() % 3 == 0) *error = "no such host";
    if (host.size() % 3 != 0) found.push_back(*weir::config::ParseIp("192.0.2.1", port));
    if (host.size() % 3 == 2) found.push_back(*weir::config::ParseIp("2001:db8::1", port));
    return found;
  };
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    return name.size() % 2 == 0 ? std::nullopt : std::optional<std::string>(name);
  };
  return options;
}

void Fail(const char* what, const std::string& text) {
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const LoadOptions options = Options();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const LoadResult result = weir::config::LoadString(text, "fuzz", options);
  if (result.ok() != result.diagnostics.ok()) Fail("a result without a reason", "");
  if (!result.ok()) {
    if (result.diagnostics.Print().empty()) Fail("a mistake without a message", "");
    return 0;
  }
  const std::string expanded = weir::config::Expand(*result.bootstrap);
  const LoadResult again = weir::config::LoadString(expanded, "expanded", options);
  if (!again.ok()) Fail(again.diagnostics.Print().c_str(), expanded);
  const std::string twice = weir::config::Expand(*again.bootstrap);
  if (twice != expanded) Fail(twice.c_str(), expanded);
  return 0;
}
