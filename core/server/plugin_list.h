#pragma once

#include <string>
#include <vector>

#include "plugins/loader/plugin_loader.h"

// What `weir plugins` prints.

namespace weir::server {

// One extension of a loaded plugin.
struct PluginRow {
  std::string name;
  std::string kind;    // "HTTP filter"
  std::string plugin;  // whose it is
  std::string version;
  std::string abi;  // "1.0", that it was built for
  std::string path;
  std::string sha256;  // of the file, lower case hex; "-" for what is linked in or cannot be read
};

// In the order of loading.
std::vector<PluginRow> ListPlugins(const plugins::PluginLoader& loader);

std::string PluginTable(const std::vector<PluginRow>& rows);
// A list of objects with the members' names as keys.
std::string PluginJson(const std::vector<PluginRow>& rows);

}  // namespace weir::server
