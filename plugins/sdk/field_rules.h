#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "plugins/util/ascii.h"
#include "plugins/util/token.h"

namespace weir::sdk {

// RFC 9110 section 5.5: visible bytes, blank, tab and the bytes above 127; no blank at either end.
inline bool IsFieldValue(std::string_view value) {
  if (util::TrimOws(value).size() != value.size()) return false;
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

// Names of a message are lower case; a configuration may write them as it likes.
inline void LowerCase(std::string* name) {
  for (char& c : *name) c = util::ToLower(c);
}

// Why a plugin's configuration must not write a field of this name, which is lower case already;
// null when it may.
inline const char* FieldNameProblem(std::string_view name) {
  if (name.empty()) return "no field name";
  if (name.size() > 256) return "longer than the 256 bytes of a field name";
  if (name.front() == ':') return "a pseudo field of the start line, which is not a field";
  if (!util::IsToken(name)) return "no field name (RFC 9110 section 5.6.2)";
  // Framing is values, never fields (weir.h, weir_head): the host refuses to write these.
  if (util::IsFramingToken(util::FindToken(name))) {
    return "a framing field, which only the codecs write";
  }
  return nullptr;
}

}  // namespace weir::sdk
