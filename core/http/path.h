// The one place where a request's path gets its final form.
//
// NormalizePath runs once per request, after the codec has taken the path off the request target
// and before any filter, the router or a log looks at it. Filters, router and backend then see the
// same string: what is matched is what is forwarded. The path follows RFC 3986: percent-escapes of
// unreserved characters are decoded and the others upper-cased (6.2.2), dot segments are removed
// (5.2.4), "%2e" included. The query is checked, never changed.
//
// No allocation, no exception; one wide scan and nothing else for a path that is already normal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

// What becomes of %2F, %2f, %5C and %5c in the path.
enum class EscapedSlashes : uint8_t {
  kKeep,                 // left as they are (upper-cased when normalising)
  kReject,               // 400
  kUnescapeAndRedirect,  // 307 to the unescaped, normalised path
  kUnescapeAndForward,   // unescaped, then normalised like any other slash
};

struct PathOptions {
  // Percent-escapes and dot segments. A raw backslash becomes a slash, as in browsers. A dot
  // segment may carry parameters ("/..;x/"): they go with it, for some backends strip them before
  // they look for dots.
  bool normalize = true;
  // "//" becomes "/", after dot segments are removed.
  bool merge_slashes = true;
  // ";parameters" are cut off every segment.
  bool strip_parameters = false;
  EscapedSlashes escaped_slashes = EscapedSlashes::kUnescapeAndRedirect;
};

enum class PathVerdict : uint8_t {
  kUnchanged,  // the path was normal
  kChanged,    // forward the new path
  kRedirect,   // answer 307 with the new path as its location; gRPC clients follow none
  kReject,     // answer 400
};

enum class PathError : uint8_t {
  kNone,
  kEmpty,         // no path at all
  kNotAbsolute,   // does not start with '/'
  kForbidden,     // a control byte, a space, or a byte above 0x7e
  kFragment,      // '#'
  kBadEscape,     // '%' without two hexadecimal digits
  kEscapedNul,    // "%00"
  kEscapedSlash,  // "%2F" or "%5C" where the options reject them
};

struct PathResult {
  PathVerdict verdict = PathVerdict::kUnchanged;
  PathError error = PathError::kNone;
  // Path and query to go on with: a view of the input if unchanged, of `out` if changed, the input
  // if rejected.
  std::string_view path;
};

// Normalises `target`, the path and query of a request ("/a/b?x"). "*" and the authority of a
// CONNECT are no paths: the caller treats them before. `out` has room for target.size() bytes,
// which is always enough, and may be the target's own bytes. When the verdict is kUnchanged or
// kReject, the target's bytes are still what they were.
//
// A redirect's path may start with "//" if slashes are not merged: send it with scheme and
// authority in front, never alone.
PathResult NormalizePath(std::string_view target, const PathOptions& options, char* out);

// The path of a target, without '?' and what follows.
inline std::string_view PathWithoutQuery(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// The response code detail of a rejection, as in Envoy's access logs: "path_normalization_failed" …
std::string_view PathErrorDetail(PathError error);

// The reason in words, for a log line.
std::string_view PathErrorText(PathError error);

}  // namespace weir::http
