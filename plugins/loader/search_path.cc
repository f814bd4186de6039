#include "plugins/loader/search_path.h"

#include <cstdlib>

#include <limits.h>
#include <unistd.h>

namespace weir::plugins {
namespace {

std::vector<std::string> SplitList(std::string_view list) {
  std::vector<std::string> result;
  while (!list.empty()) {
    const std::size_t colon = list.find(':');
    const std::string_view entry = list.substr(0, colon);
    if (!entry.empty()) result.emplace_back(entry);
    list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
  }
  return result;
}

std::vector<std::string> OfBinary(std::string_view binary) {
  const std::size_t slash = binary.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string directory(binary.substr(0, slash));
  return {directory + "/plugins.d", directory + "/../lib/weir/plugins"};
}

std::vector<std::string> WithoutOption(const char* environment, std::string_view binary) {
  return environment == nullptr ? OfBinary(binary) : SearchPath(environment, nullptr, binary);
}

}  // namespace

std::vector<std::string> SearchPath(std::string_view option, const char* environment,
                                    std::string_view binary) {
  const bool more = !option.empty() && option.front() == '+';
  std::vector<std::string> given = SplitList(more ? option.substr(1) : option);
  if (!given.empty() && !more) return given;
  std::vector<std::string> path = WithoutOption(environment, binary);
  path.insert(path.end(), given.begin(), given.end());
  return path;
}

std::string BinaryPath() {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof buffer);
  if (size <= 0 || static_cast<std::size_t>(size) == sizeof buffer) return {};
  return std::string(buffer, static_cast<std::size_t>(size));
}

std::vector<std::string> DefaultSearchPath(std::string_view option) {
  return SearchPath(option, std::getenv("WEIR_PLUGIN_PATH"), BinaryPath());
}

}  // namespace weir::plugins
