// The same plugins, linked into the program (WEIR_STATIC_PLUGINS): found without any file.

#include <string>

#include <gtest/gtest.h>

#include "plugins/loader/plugin_loader.h"

extern "C" {
extern const weir_plugin_descriptor weir_plugin_echo;
extern const weir_plugin_descriptor weir_plugin_header_mutation;
extern const weir_plugin_descriptor weir_plugin_health_check;
extern const weir_plugin_descriptor weir_plugin_direct_response;
}

namespace weir::plugins {
namespace {

TEST(StaticPluginsTest, AreFoundWithoutAFile) {
  const weir_host host{};
  PluginLoader loader({{},
                       &host,
                       {&weir_plugin_echo, &weir_plugin_header_mutation, &weir_plugin_health_check,
                        &weir_plugin_direct_response}});
  std::string error;
  EXPECT_NE(loader.FindNetworkFilter("echo", &error), nullptr) << error;
  EXPECT_NE(loader.FindHttpFilter("header_mutation", &error), nullptr) << error;
  EXPECT_NE(loader.FindHttpFilter("health_check", &error), nullptr) << error;
  EXPECT_NE(loader.FindHttpFilter("direct_response", &error), nullptr) << error;
  EXPECT_NE(loader.FindNetworkFilter("direct_response", &error), nullptr) << error;
  EXPECT_EQ(loader.plugins().size(), 4u);
  EXPECT_EQ(loader.FindHttpFilter("echo", &error), nullptr);
}

}  // namespace
}  // namespace weir::plugins
