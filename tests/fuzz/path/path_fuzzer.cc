// Any bytes as a request's path or authority, under every combination of options: the first byte
// chooses, the rest is the text. A path's normal form is a fixed point, never longer than its
// input, and free of what the options remove; a normal authority stays what it is.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/http/authority.h"
#include "core/http/path.h"

namespace {

using weir::http::EscapedSlashes;
using weir::http::NormalizePath;
using weir::http::PathOptions;
using weir::http::PathResult;
using weir::http::PathVerdict;

void Require(bool held) {
  if (!held) std::abort();
}

PathOptions OptionsOf(uint8_t bits) {
  PathOptions options;
  options.normalize = (bits & 1) == 0;
  options.merge_slashes = (bits & 2) == 0;
  options.strip_parameters = (bits & 4) != 0;
  options.escaped_slashes = static_cast<EscapedSlashes>(bits >> 3 & 3);
  return options;
}

bool HasDotSegment(std::string_view path) {
  for (size_t at = 0; at != path.npos; at = path.find('/', at + 1)) {
    const std::string_view rest = path.substr(at + 1);
    const std::string_view name = rest.substr(0, rest.find_first_of("/;"));
    if (name == "." || name == "..") return true;
  }
  return false;
}

void CheckForm(std::string_view path, const PathOptions& options) {
  Require(!path.empty() && path[0] == '/');
  Require(!options.normalize || (!HasDotSegment(path) && path.find('\\') == path.npos));
  Require(!options.merge_slashes || path.find("//") == path.npos);
  Require(!options.strip_parameters || path.find(';') == path.npos);
  Require(path.find("%00") == path.npos);
  for (char c : path) Require(c > 0x20 && c < 0x7f && c != '#');
}

// An authority that is accepted stays accepted and the same once it is normal.
void CheckAuthority(uint8_t bits, std::string text) {
  weir::http::AuthorityOptions options;
  options.strip_any_port = (bits & 1) != 0;
  options.strip_trailing_dot = (bits & 2) != 0;
  options.strip_matching_port = (bits & 4) != 0;
  const std::string given = text;
  weir::http::Authority once;
  const auto error = NormalizeAuthority(text.data(), text.size(), options, 80, &once);
  if (error != weir::http::AuthorityError::kNone) {
    Require(text == given);
    return;
  }
  Require(once.host.size() <= weir::http::kMaxHostSize && once.text.starts_with(once.host));
  Require((once.port == 0) == (once.text.size() == once.host.size()));
  for (char c : once.text) Require(c > 0x20 && c < 0x7f && c != '@' && c != ',' && c != '/');
  const std::string normal(once.text);
  std::string bytes = normal;
  weir::http::Authority twice;
  Require(NormalizeAuthority(bytes.data(), bytes.size(), options, 80, &twice) ==
          weir::http::AuthorityError::kNone);
  Require(twice.text == normal && SameAuthority(once, twice, 80) && once.kind == twice.kind);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Blocks of exactly the right size, so that a byte too far is seen.
  const std::string target(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 0x80) != 0) {
    CheckAuthority(data[0], target);
    return 0;
  }
  const PathOptions options = OptionsOf(data[0]);
  std::string out(target.size(), '\0');
  const PathResult once = NormalizePath(target, options, out.data());

  std::string bytes = target;
  const PathResult in_place = NormalizePath(bytes, options, bytes.data());
  Require(in_place.verdict == once.verdict && in_place.error == once.error);
  Require(in_place.path == once.path);
  if (once.verdict == PathVerdict::kReject) return 0;

  Require(once.path.size() <= target.size());
  CheckForm(weir::http::PathWithoutQuery(once.path), options);
  const std::string normal(once.path);
  std::string again(normal.size(), '\0');
  Require(NormalizePath(normal, options, again.data()).verdict == PathVerdict::kUnchanged);
  return 0;
}
