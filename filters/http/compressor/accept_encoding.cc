#include "filters/http/compressor/accept_encoding.h"

#include <optional>

#include "plugins/util/list.h"

namespace weir::filters {
namespace {

using util::EqualsLower;
using util::IsDigit;
using util::TrimOws;

constexpr int kWhole = 1000;

// RFC 9110 section 12.4.2: "0" or "1", a dot, at most three digits, at most 1. In thousandths.
std::optional<int> ReadWeight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * kWhole;
  text.remove_prefix(1);
  if (text.empty()) return weight;
  if (text[0] != '.' || text.size() > 4) return std::nullopt;
  text.remove_prefix(1);
  int unit = kWhole / 10;
  for (const char c : text) {
    if (!IsDigit(c)) return std::nullopt;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  if (weight > kWhole) return std::nullopt;
  return weight;
}

// The weight among the parameters behind a coding; one that cannot be read is none.
int WeightOf(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t semicolon = parameters.find(';');
    const std::string_view one = TrimOws(parameters.substr(0, semicolon));
    parameters.remove_prefix(semicolon == std::string_view::npos ? parameters.size()
                                                                 : semicolon + 1);
    if (one.size() >= 2 && (one[0] == 'q' || one[0] == 'Q') && one[1] == '=') {
      return ReadWeight(one.substr(2)).value_or(0);
    }
  }
  return kWhole;
}

}  // namespace

void AcceptEncoding::ReadOne(std::string_view entry, const std::string_view* codings,
                             std::size_t count) {
  const std::size_t semicolon = entry.find(';');
  const std::string_view name = TrimOws(entry.substr(0, semicolon));
  const auto weight = static_cast<std::int16_t>(
      semicolon == std::string_view::npos ? kWhole : WeightOf(entry.substr(semicolon + 1)));
  if (name == "*") wildcard_ = weight;
  if (EqualsLower(name, "identity")) identity_ = weight;
  for (std::size_t i = 0; i < count && i < kMaxCodings; ++i) {
    // RFC 9110 section 8.4.1.3: x-gzip is another word for gzip.
    const bool alias = codings[i] == "gzip" && EqualsLower(name, "x-gzip");
    if (alias || EqualsLower(name, codings[i])) weights_[i] = weight;
  }
}

void AcceptEncoding::Read(std::string_view value, const std::string_view* codings,
                          std::size_t count) {
  seen_ = true;
  util::ForEachEntry(value, [&](std::string_view entry) { ReadOne(entry, codings, count); });
}

int AcceptEncoding::Weight(std::size_t coding) const {
  if (weights_[coding] >= 0) return weights_[coding];
  return wildcard_ > 0 ? wildcard_ : 0;
}

}  // namespace weir::filters
