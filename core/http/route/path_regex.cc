#include "core/http/route/path_regex.h"

#include <utility>

#include <re2/re2.h>

namespace weir::http {

PathRegex::PathRegex(std::unique_ptr<re2::RE2> regex) : regex_(std::move(regex)) {}

PathRegex::~PathRegex() = default;

std::unique_ptr<const PathRegex> PathRegex::Compile(std::string_view pattern, std::string* error) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kMaxMemory);
  auto regex =
      std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex->ok()) {
    *error = regex->error();
    return nullptr;
  }
  if (regex->ProgramSize() > kMaxProgramSize) {
    *error = "pattern too large: " + std::to_string(regex->ProgramSize()) +
             " instructions, at most " + std::to_string(kMaxProgramSize);
    return nullptr;
  }
  return std::unique_ptr<const PathRegex>(new PathRegex(std::move(regex)));
}

bool PathRegex::Matches(std::string_view path) const {
  const re2::StringPiece text(path.data(), path.size());
  return regex_->Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

}  // namespace weir::http
