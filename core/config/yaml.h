#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/config/diagnostics.h"
#include "core/config/node.h"

namespace weir::config {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Bounds on a configuration text, so that no file can exhaust the process: beyond any is an error.
struct YamlLimits {
  std::size_t max_text_bytes = 16 << 20;
  std::size_t max_nodes = 1'000'000;
  // Nodes that exist only because an alias repeats them.
  std::size_t max_alias_nodes = 10'000;
  std::size_t max_depth = 64;
};

// Reads one YAML document into a tree. Reports, and keeps going past, duplicate keys and bad
// ${...}; reports and gives null for what has no tree: a syntax error, a second document, an alias
// cycle, a bound exceeded. Scalars' ${NAME} and
// ${NAME:-default} are replaced after parsing, so that a value can never change the structure; $${
// is a literal ${.
std::shared_ptr<const Node> ParseYaml(std::string_view text, const Environment& environment,
                                      Diagnostics* diagnostics, const YamlLimits& limits = {});

// The tree as block-style YAML text that ParseYaml reads back to the same tree.
std::string PrintYaml(const Node& node);

}  // namespace weir::config
