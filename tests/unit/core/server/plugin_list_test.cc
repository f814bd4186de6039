#include "core/server/plugin_list.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/loader/descriptor_check.h"
#include "plugins/sdk/descriptor.h"

namespace weir::server {
namespace {

using testing::HasSubstr;

PluginRow Row(const std::string& name) {
  return {name, "HTTP filter", "plug", "1.2", "1.0", "/lib/" + name + ".so", "00ff"};
}

TEST(PluginList, ATableHasAColumnForEachOfTheWidthThatItNeeds) {
  EXPECT_EQ(PluginTable({Row("a"), Row("long_name")}),
            "NAME       KIND         PLUGIN  VERSION  ABI  PATH               SHA-256\n"
            "a          HTTP filter  plug    1.2      1.0  /lib/a.so          00ff\n"
            "long_name  HTTP filter  plug    1.2      1.0  /lib/long_name.so  00ff\n");
  EXPECT_EQ(PluginTable({}), "NAME  KIND  PLUGIN  VERSION  ABI  PATH  SHA-256\n");
}

TEST(PluginList, JsonIsAListOfObjects) {
  EXPECT_EQ(PluginJson({}), "[]\n");
  EXPECT_EQ(PluginJson({Row("a"), Row("b")}),
            "[\n"
            "  {\"name\": \"a\", \"kind\": \"HTTP filter\", \"plugin\": \"plug\", \"version\": "
            "\"1.2\", \"abi\": \"1.0\", \"path\": \"/lib/a.so\", \"sha256\": \"00ff\"},\n"
            "  {\"name\": \"b\", \"kind\": \"HTTP filter\", \"plugin\": \"plug\", \"version\": "
            "\"1.2\", \"abi\": \"1.0\", \"path\": \"/lib/b.so\", \"sha256\": \"00ff\"}\n"
            "]\n");
}

TEST(PluginList, WhatAFileSaysOfItselfCannotBreakTheForm) {
  PluginRow row = Row("a");
  row.version = "1\"\\\n\x1b[2J";
  EXPECT_THAT(PluginJson({row}), HasSubstr("\"1\\\"\\\\\\u000a\\u001b[2J\""));
  EXPECT_THAT(PluginTable({row}), HasSubstr("1\"\\??[2J  "));
}

void* ConfigNew(const weir_host*, const weir_http_api*, const weir_node*, uint32_t) {
  return nullptr;
}

TEST(PluginList, EachExtensionOfALoadedPluginIsARow) {
  static const weir_http_filter_api filter = [] {
    weir_http_filter_api api{};
    api.struct_size = sizeof(api);
    api.config_new = &ConfigNew;
    api.complete = [](void*, weir_stream*) {};
    return api;
  }();
  const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "one", &filter},
                                       {WEIR_KIND_HTTP_FILTER, 0, "two", &filter}};
  const weir_plugin_descriptor descriptor = sdk::Descriptor("inside", "3.4", extensions);
  const weir_host host{};
  plugins::PluginLoader loader({{}, &host, {&descriptor}});
  EXPECT_TRUE(ListPlugins(loader).empty());
  std::string error;
  ASSERT_NE(loader.FindHttpFilter("two", &error), nullptr) << error;
  const std::vector<PluginRow> rows = ListPlugins(loader);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "one");
  EXPECT_EQ(rows[1].name, "two");
  EXPECT_EQ(rows[1].kind, "HTTP filter");
  EXPECT_EQ(rows[1].plugin, "inside");
  EXPECT_EQ(rows[1].version, "3.4");
  EXPECT_EQ(rows[1].abi, plugins::AbiVersion(WEIR_ABI_MAJOR, WEIR_ABI_MINOR));
  EXPECT_EQ(rows[1].path, "(built in)");
  EXPECT_EQ(rows[1].sha256, "-");
}

}  // namespace
}  // namespace weir::server
