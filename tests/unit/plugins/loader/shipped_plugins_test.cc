// The plugins that ship, as the program loads them: together, by one loader.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/loader/plugin_loader.h"

namespace weir::plugins {
namespace {

std::vector<std::string> Shipped() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(WEIR_SHIPPED_DIR)) {
    if (entry.path().extension() == ".so") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::uint32_t Counter(weir_view) {
  return 1;
}
void Log(std::uint32_t, weir_view, weir_view) {}

TEST(ShippedPluginsTest, AllLoadTogetherUnderTheNamesOfTheirFiles) {
  weir_host host{};
  host.struct_size = sizeof host;
  host.abi_minor = WEIR_ABI_MINOR;
  host.log = Log;
  host.counter = Counter;
  PluginLoader loader({{WEIR_SHIPPED_DIR}, &host, {}});
  const std::vector<std::string> names = Shipped();
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    std::string error;
    const Plugin* plugin = loader.Load(name, &error);
    ASSERT_NE(plugin, nullptr) << error;
    EXPECT_EQ(plugin->name, name);
    EXPECT_EQ(plugin->abi_minor, WEIR_ABI_MINOR);
  }
}

TEST(ShippedPluginsTest, OneFileHoldsBothDirectResponses) {
  weir_host host{};
  PluginLoader loader({{WEIR_SHIPPED_DIR}, &host, {}});
  std::string error;
  const HttpFilterExtension* http = loader.FindHttpFilter("direct_response", &error);
  const NetworkFilterExtension* network = loader.FindNetworkFilter("direct_response", &error);
  ASSERT_NE(http, nullptr) << error;
  ASSERT_NE(network, nullptr) << error;
  EXPECT_EQ(http->plugin, network->plugin);
}

}  // namespace
}  // namespace weir::plugins
