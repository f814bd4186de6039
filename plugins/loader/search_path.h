#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::plugins {

// The directories in which plugins are looked for, in order: the option's colon-separated list;
// when that is empty, the environment's; when that is empty too, `plugins.d` beside the binary and
// then
// `../lib/weir/plugins` from it. The first list that is given replaces the others; one that begins
// with a + stands behind what would be without it. Empty entries are dropped, for an empty entry
// must not mean "the current directory".
//
// `environment` is the value of WEIR_PLUGIN_PATH, null when unset. `binary` is the path of the
// program; see BinaryPath.
std::vector<std::string> SearchPath(std::string_view option, const char* environment,
                                    std::string_view binary);

// The same for this process: its environment and its program file.
std::vector<std::string> DefaultSearchPath(std::string_view option);

// The program file of this process, links resolved; empty when it cannot be known.
std::string BinaryPath();

}  // namespace weir::plugins
