#include <string>

#include <gtest/gtest.h>

#include "plugins/loader/plugin_loader.h"

namespace weir::toy {
namespace {

TEST(ToyPluginTest, TheToyCodecIsAPluginLikeAnyOther) {
  const weir_host host{};
  plugins::PluginLoader loader({{WEIR_TOY_DIR}, &host, {}});
  std::string error;
  const plugins::CodecExtension* codec = loader.FindCodec("toy", &error);
  ASSERT_NE(codec, nullptr) << error;
  EXPECT_EQ(codec->api->flags, std::uint32_t{WEIR_CODEC_API_MULTIPLEXED});
  EXPECT_EQ(codec->raw_form, 1);
}

}  // namespace
}  // namespace weir::toy
