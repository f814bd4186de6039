#include "filters/http/common/regex.h"

#include <utility>

#include <re2/re2.h>

namespace weir::filters {
namespace {

// Of the compiled program, its automata included: the bound that routes have.
constexpr int kMaxMemory = 1 << 20;

}  // namespace

Regex::Regex(std::unique_ptr<re2::RE2> regex) : regex_(std::move(regex)) {}

Regex::~Regex() = default;

std::unique_ptr<const Regex> Regex::Compile(const std::string& pattern, bool ignore_case,
                                            std::string* error) {
  re2::RE2::Options options;
  // By bytes: in UTF-8 a byte above 127 would match nothing, and a rule would be got around with
  // it.
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_case_sensitive(!ignore_case);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxMemory);
  auto regex = std::make_unique<re2::RE2>(pattern, options);
  if (!regex->ok()) {
    *error = regex->error();
    return nullptr;
  }
  return std::unique_ptr<const Regex>(new Regex(std::move(regex)));
}

bool Regex::Matches(std::string_view text) const {
  const re2::StringPiece piece(text.data(), text.size());
  return regex_->Match(piece, 0, piece.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

}  // namespace weir::filters
