#include <re2/re2.h>

#include "core/config/tables.h"

namespace weir::config {

std::string CheckRegex(const std::string& pattern) {
  // The bounds of the router's own patterns, so that what passes here compiles there.
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(1 << 20);
  const RE2 regex(pattern, options);
  return regex.ok() ? "" : regex.error();
}

}  // namespace weir::config
