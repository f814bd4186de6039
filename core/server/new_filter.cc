#include "core/server/new_filter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "core/server/options.h"

namespace weir::server {
namespace {

struct Template {
  std::string_view language;  // "common": of every language
  std::string_view path;
  std::string_view text;
};

constexpr Template kTemplates[] = {
#include "core/server/plugin_templates.inc"
};

constexpr std::size_t kMaxName = 48;
// Names of CMake's own targets.
constexpr std::array<std::string_view, 6> kTaken = {"all",  "clean",   "help",
                                                    "test", "install", "package"};

std::string CamelCase(std::string_view name) {
  std::string camel;
  bool upper = true;
  for (const char c : name) {
    if (c != '_') camel += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = c == '_';
  }
  return camel;
}

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size()) {
    text->replace(at, from.size(), to);
  }
}

// The templates are a project that builds, called my_filter.
std::string Named(std::string_view text, const std::string& name) {
  std::string dashed = name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  std::string made(text);
  // In two steps, for a name may hold what is replaced.
  ReplaceAll(&made, "my_filter", "\1");
  ReplaceAll(&made, "my-filter", "\2");
  ReplaceAll(&made, "MyFilter", "\3");
  ReplaceAll(&made, "\1", name);
  ReplaceAll(&made, "\2", dashed);
  ReplaceAll(&made, "\3", CamelCase(name));
  return made;
}

bool WriteTemplate(const Template& from, const std::string& name,
                   const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / Named(from.path, name);
  std::ofstream file(path);
  file << Named(from.text, name);
  file.close();
  if (!file) return false;
  if (path.extension() != ".sh") return true;
  std::error_code error;
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_exec |
                                   std::filesystem::perms::group_exec |
                                   std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add, error);
  return !error;
}

}  // namespace

std::string CheckFilterName(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || name.size() > kMaxName || name[0] < 'a' || name[0] > 'z' ||
      !std::all_of(name.begin(), name.end(), good)) {
    return "\"" + name + "\" is no name for a filter; expected [a-z][a-z0-9_]*, at most " +
           std::to_string(kMaxName) + " characters";
  }
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end()) {
    return "\"" + name + "\" is a name that CMake keeps for itself; choose another one";
  }
  return {};
}

std::string WriteNewFilter(const NewFilter& request, const std::string& parent) {
  std::string problem = CheckFilterName(request.name);
  if (!problem.empty()) return problem;
  const std::filesystem::path folder = std::filesystem::path(parent) / request.name;
  std::error_code error;
  // False without an error: it is there already.
  if (!std::filesystem::create_directory(folder, error)) {
    return folder.string() + ": " + (error ? error.message() : "is there already");
  }
  for (const Template& from : kTemplates) {
    if (from.language != request.language && from.language != "common") continue;
    if (!WriteTemplate(from, request.name, folder)) {
      return folder.string() + ": cannot write " + Named(from.path, request.name);
    }
  }
  return {};
}

int RunNewFilter(const NewFilter& request) {
  const std::string problem = WriteNewFilter(request, ".");
  if (!problem.empty()) {
    std::fprintf(stderr, "weir: new-filter: %s\n", problem.c_str());
    return kExitUsage;
  }
  std::printf(
      "wrote ./%s: a filter that builds, with a test. Next:\n  cd %s\n  make test\n"
      "README.md there says the rest.\n",
      request.name.c_str(), request.name.c_str());
  return kExitOk;
}

}  // namespace weir::server
