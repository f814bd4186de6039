#include "core/config/expand_env.h"

#include "core/config/diagnostics.h"

namespace weir::config {
namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool IsVariableName(std::string_view name) {
  if (name.empty() || !IsNameStart(name[0])) return false;
  for (const char c : name) {
    if (!IsNameStart(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> ExpandEnvironment(
    std::string_view text,
    const std::function<std::optional<std::string>(const std::string&)>& environment,
    std::string* error) {
  std::string out;
  std::size_t done = 0;
  for (;;) {
    const std::size_t open = text.find("${", done);
    if (open == std::string_view::npos) break;
    if (open > done && text[open - 1] == '$') {
      out += text.substr(done, open - 1 - done);
      out += "${";
      done = open + 2;
      continue;
    }
    out += text.substr(done, open - done);
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) {
      *error = Quote(text.substr(open)) + " has no closing brace (a literal ${ is written $${)";
      return std::nullopt;
    }
    const std::string_view inside = text.substr(open + 2, close - open - 2);
    const std::size_t dash = inside.find(":-");
    const std::string name(inside.substr(0, dash));
    if (!IsVariableName(name)) {
      *error = Quote(name) + " is no name of an environment variable (a literal ${ is written $${)";
      return std::nullopt;
    }
    auto value = environment(name);
    if (dash != std::string_view::npos) {
      if (!value || value->empty()) value = std::string(inside.substr(dash + 2));
    } else if (!value) {
      error->assign("environment variable ").append(Quote(name)).append(" is not set and ${");
      error->append(name).append("} has no default (write ${").append(name).append(":-default})");
      return std::nullopt;
    }
    out += *value;
    done = close + 1;
  }
  out += text.substr(done);
  return out;
}

std::string EscapeEnvironment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace weir::config
