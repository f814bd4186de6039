#include "core/admin/query.h"

#include <algorithm>
#include <charconv>

#include <re2/re2.h>

#include "core/admin/message.h"

namespace weir::admin {
namespace {

constexpr size_t kMaxPattern = 1024;
constexpr int64_t kMaxPatternMemory = 1 << 20;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string NotKnown(std::string_view parameter, std::initializer_list<std::string_view> known) {
  std::string text = "not known: " + Shown(parameter) + "; this page takes ";
  if (known.size() == 0) text += "no parameter";
  for (const std::string_view& name : known) {
    if (&name != known.begin()) text += ", ";
    text += name;
  }
  return text + "\n";
}

}  // namespace

std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 100));
  for (char& c : shown) {
    if (static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) >= 0x7f) c = '?';
  }
  return shown;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    if (text.size() - at < 3) return std::nullopt;
    const int high = HexDigit(text[at + 1]);
    const int low = HexDigit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return decoded;
}

std::string Query::Parse(std::string_view query, std::initializer_list<std::string_view> known) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (parameter.empty()) continue;
    const size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, equals);
    if (std::find(known.begin(), known.end(), name) == known.end())
      return NotKnown(parameter, known);
    const std::string_view raw = parameter.substr(std::min(equals + 1, parameter.size()));
    std::optional<std::string> value = PercentDecoded(raw);
    if (!value) return std::string(name) + ": a % without two hexadecimal digits\n";
    if (!values_.emplace(name, std::move(*value)).second)
      return std::string(name) + " is there twice\n";
  }
  return "";
}

const std::string& Query::Get(std::string_view name) const {
  static const std::string none;
  const auto found = values_.find(name);
  return found == values_.end() ? none : found->second;
}

bool Query::WantsJson(std::string* error) const {
  const std::string& format = Get("format");
  if (!Has("format") || format == "text") return false;
  if (format == "json") return true;
  *error = "not known: format=" + Shown(format) + "; text and json are\n";
  return false;
}

bool Query::Flag(std::string_view name, std::string* error) const {
  if (Has(name) && !Get(name).empty()) *error = std::string(name) + " takes no value\n";
  return Has(name);
}

uint32_t Query::Number(std::string_view name, uint32_t otherwise, uint32_t max,
                       std::string* error) const {
  if (!Has(name)) return otherwise;
  const std::string& text = Get(name);
  uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size() && value >= 1 && value <= max)
    return value;
  *error = std::string(name) + " is a number from 1 to " + std::to_string(max) + "\n";
  return otherwise;
}

NameFilter::NameFilter() = default;
NameFilter::~NameFilter() = default;

std::string NameFilter::Set(const std::string& pattern) {
  if (pattern.empty()) return "";
  if (pattern.size() > kMaxPattern) return "filter: longer than 1024 bytes\n";
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(kMaxPatternMemory);
  options.set_log_errors(false);
  pattern_ = std::make_unique<RE2>(pattern, options);
  return pattern_->ok() ? "" : "filter: " + Shown(pattern_->error()) + "\n";
}

bool NameFilter::Keeps(const std::string& name) const {
  return pattern_ == nullptr || RE2::PartialMatch(name, *pattern_);
}

}  // namespace weir::admin
