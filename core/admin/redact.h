#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/config/node.h"

namespace weir::admin {

inline constexpr const char* kRedacted = "[redacted]";

// A copy of a configuration without what must not be shown: values of keys that name passwords,
// tokens, secrets and private keys, of header fields that carry credentials, user information in
// URLs, and private keys wherever they stand. Where a secret is read from (filename, path,
// environment_variable) stays. What a plugin's own keys hold is judged by the same names: a secret
// under an innocent name is not known to be one.
std::shared_ptr<const config::Node> Redact(const config::Node& node);

// Mistakes in a configuration, as Diagnostics prints them, without the lines of the file, which are
// indented: whether one belongs to a secret is known of a whole file only, and this one has
// mistakes. They are in the log. What a message itself quotes stays, but for credentials.
std::string RedactMistakes(std::string_view text);

}  // namespace weir::admin
