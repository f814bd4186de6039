// Listener filters and access loggers: what their tables must hold, and that they are found.

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/loader/descriptor_check.h"
#include "plugins/loader/plugin_loader.h"
#include "plugins/sdk/descriptor.h"

namespace weir::plugins {
namespace {

using ::testing::HasSubstr;

void* ListenerConfigNew(const weir_host*, const weir_listener_api*, const weir_node*) {
  return nullptr;
}
std::int32_t ListenerCreate(void*, void*, weir_connection*) {
  return WEIR_OK;
}
std::int32_t ListenerData(void*, weir_connection*, weir_view, std::uint32_t, std::size_t*) {
  return WEIR_CONTINUE;
}
void* LoggerConfigNew(const weir_host*, const weir_logger_api*, const weir_node*) {
  return nullptr;
}
std::int32_t LoggerLog(void*, weir_stream*, std::uint32_t) {
  return WEIR_OK;
}

weir_listener_filter_api GoodListener() {
  weir_listener_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = 16;
  api.max_read_bytes = 536;
  api.config_new = ListenerConfigNew;
  api.create = ListenerCreate;
  api.data = ListenerData;
  return api;
}

weir_access_logger_api GoodLogger() {
  weir_access_logger_api api{};
  api.struct_size = sizeof api;
  api.config_new = LoggerConfigNew;
  api.log = LoggerLog;
  return api;
}

std::string Check(std::uint32_t kind, const void* api) {
  const weir_extension extensions[] = {{kind, 0, "x", api}};
  return CheckDescriptor(sdk::Descriptor("p", "1", extensions));
}
std::string Check(const weir_listener_filter_api& api) {
  return Check(WEIR_KIND_LISTENER_FILTER, &api);
}
std::string Check(const weir_access_logger_api& api) {
  return Check(WEIR_KIND_ACCESS_LOGGER, &api);
}

TEST(ExtensionKinds, AGoodListenerFilterIsAccepted) {
  EXPECT_EQ(Check(GoodListener()), "");
  weir_listener_filter_api wants_nothing = GoodListener();
  wants_nothing.max_read_bytes = 0;
  wants_nothing.data = nullptr;
  EXPECT_EQ(Check(wants_nothing), "");
}

TEST(ExtensionKinds, AListenerFiltersHooksAndSizesMustFit) {
  weir_listener_filter_api api = GoodListener();
  api.config_new = nullptr;
  EXPECT_EQ(Check(api), "listener filter x has no config_new");
  api = GoodListener();
  api.data = nullptr;
  EXPECT_EQ(Check(api), "listener filter x wants bytes but has no data hook");
  api = GoodListener();
  api.max_read_bytes = 0;
  EXPECT_EQ(Check(api), "listener filter x has a data hook but wants no byte");
  api = GoodListener();
  api.max_read_bytes = 65537;
  EXPECT_EQ(Check(api), "listener filter x wants to see 65537 bytes, allowed are 65536");
  api = GoodListener();
  api.state_size = 1025;
  EXPECT_EQ(Check(api), "listener filter x asks for a state of 1025 bytes, allowed are 1024");
  api = GoodListener();
  api.create = nullptr;
  EXPECT_EQ(Check(api), "listener filter x has a state but no create");
  api.state_size = 0;
  EXPECT_EQ(Check(api), "");
  api.data = nullptr;
  api.max_read_bytes = 0;
  EXPECT_EQ(Check(api), "listener filter x has no hook at all");
  api = GoodListener();
  api.struct_size -= 1;
  EXPECT_THAT(Check(api), HasSubstr("listener filter x has a table of"));
}

TEST(ExtensionKinds, AnAccessLoggerMustLog) {
  EXPECT_EQ(Check(GoodLogger()), "");
  weir_access_logger_api api = GoodLogger();
  api.log = nullptr;
  EXPECT_EQ(Check(api), "access logger x has no log");
  api = GoodLogger();
  api.config_new = nullptr;
  EXPECT_EQ(Check(api), "access logger x has no config_new");
  EXPECT_EQ(Check(WEIR_KIND_ACCESS_LOGGER, nullptr), "access logger x has no table");
}

TEST(ExtensionKinds, TheNextKindIsNotKnown) {
  const weir_access_logger_api api = GoodLogger();
  EXPECT_EQ(Check(WEIR_KIND_ACCESS_LOGGER + 1, &api),
            "extension x is of kind 6, which is not known");
  EXPECT_EQ(Check(0, &api), "extension x is of kind 0, which is not known");
}

// One name may stand for an extension of each kind.
TEST(ExtensionKinds, EachIsFoundByItsKindAndName) {
  const weir_listener_filter_api listener = GoodListener();
  const weir_access_logger_api logger = GoodLogger();
  const weir_extension extensions[] = {{WEIR_KIND_LISTENER_FILTER, 0, "both", &listener},
                                       {WEIR_KIND_ACCESS_LOGGER, 0, "both", &logger},
                                       {WEIR_KIND_ACCESS_LOGGER, 0, "other", &logger}};
  const weir_plugin_descriptor descriptor = sdk::Descriptor("p", "1", extensions);
  PluginLoader loader({{}, nullptr, {&descriptor}});
  std::string error;
  const ListenerFilterExtension* filter = loader.FindListenerFilter("both", &error);
  ASSERT_NE(filter, nullptr) << error;
  EXPECT_EQ(filter->api, &listener);
  const AccessLoggerExtension* found = loader.FindAccessLogger("both", &error);
  ASSERT_NE(found, nullptr) << error;
  EXPECT_EQ(found->api, &logger);
  EXPECT_EQ(loader.FindListenerFilter("other", &error), nullptr);
  EXPECT_EQ(loader.FindHttpFilter("both", &error), nullptr);
  EXPECT_EQ(loader.listener_filters().size(), 1u);
  EXPECT_EQ(loader.access_loggers().size(), 2u);
}

TEST(ExtensionKinds, AnAccessLoggersFileMayHaveAnotherName) {
  PluginLoader loader({{"/nowhere"}, nullptr, {}});
  std::string error;
  EXPECT_EQ(loader.FindAccessLogger("stdout", &error, "file"), nullptr);
  EXPECT_EQ(error, "no plugin file file.so in /nowhere");
}

TEST(ExtensionKinds, ACandidateStandsForNothingElse) {
  constexpr std::uint16_t kMajor = WEIR_ABI_MAJOR;
  const auto refusal = [](std::uint16_t plugin, std::uint16_t host) {
    return CheckDescriptorHead({WEIR_ABI_MAGIC, kMajor, plugin, 72, 1}, host);
  };
  EXPECT_EQ(refusal(0x0200, 0x0200), "");
  EXPECT_EQ(refusal(0x0100, 0x0200), "is built for ABI 1.0-rc1, this host has 1.0-rc2");
  EXPECT_EQ(refusal(0x0000, 0x0200), "is built for ABI 1.0, this host has 1.0-rc2");
  EXPECT_EQ(refusal(0x0200, 0x0000), "is built for ABI 1.0-rc2, this host has 1.0");
  EXPECT_EQ(refusal(0x0000, 0x0001), "") << "an older minor";
  EXPECT_EQ(refusal(0x0003, 0x0001), "") << "a newer minor";
}

// What plugins of version 1.0 say, in bytes: numbers, so that no later table changes them.
TEST(ExtensionKinds, WhatWasLargeEnoughInTheFirstVersionIsSoForEver) {
  if (sizeof(void*) != 8) GTEST_SKIP() << "the numbers are those of 64-bit machines";
  constexpr std::uint16_t kMajor = WEIR_ABI_MAJOR;
  constexpr std::uint16_t kMinor = WEIR_ABI_MINOR;
  EXPECT_EQ(CheckDescriptorHead({WEIR_ABI_MAGIC, kMajor, kMinor, 72, 1}), "");
  EXPECT_THAT(CheckDescriptorHead({WEIR_ABI_MAGIC, kMajor, kMinor, 71, 1}),
              HasSubstr("needed are 72"));
  weir_listener_filter_api listener = GoodListener();
  listener.struct_size = 56;
  EXPECT_EQ(Check(listener), "");
  listener.struct_size = 55;
  EXPECT_THAT(Check(listener), HasSubstr("needed are 56"));
  weir_access_logger_api logger = GoodLogger();
  logger.struct_size = 32;
  EXPECT_EQ(Check(logger), "");
  logger.struct_size = 31;
  EXPECT_THAT(Check(logger), HasSubstr("needed are 32"));
  weir_http_filter_api http{};
  http.struct_size = 111;
  EXPECT_THAT(Check(WEIR_KIND_HTTP_FILTER, &http), HasSubstr("needed are 112"));
  weir_network_filter_api network{};
  network.struct_size = 79;
  EXPECT_THAT(Check(WEIR_KIND_NETWORK_FILTER, &network), HasSubstr("needed are 80"));
  weir_codec_api codec{};
  codec.struct_size = 159;
  EXPECT_THAT(Check(WEIR_KIND_CODEC, &codec), HasSubstr("needed are 160"));
}

}  // namespace
}  // namespace weir::plugins
