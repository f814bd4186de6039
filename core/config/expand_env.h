#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

// Replaces ${NAME} by the variable's value, ${NAME:-default} by the value or, when it is unset or
// empty, the default (up to the first '}'), and $${ by a literal ${. Any other '$' stays. On a
// mistake gives nothing and sets *error.
std::optional<std::string> ExpandEnvironment(
    std::string_view text,
    const std::function<std::optional<std::string>(const std::string&)>& environment,
    std::string* error);

// The text for which ExpandEnvironment gives `text` back.
std::string EscapeEnvironment(std::string_view text);

}  // namespace weir::config
