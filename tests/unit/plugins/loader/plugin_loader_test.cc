#include "plugins/loader/plugin_loader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "plugins/loader/descriptor_check.h"
#include "plugins/sdk/descriptor.h"

namespace weir::plugins {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string kDirectory = WEIR_TEST_PLUGIN_DIR;

std::vector<std::string>* g_inits = nullptr;

void Log(std::uint32_t, weir_view plugin, weir_view message) {
  g_inits->push_back(std::string(plugin.data, plugin.size) + " " +
                     std::string(message.data, message.size));
}

// The same plugin file serves several tests; what the dynamic linker has loaded stays loaded, but
// each loader checks and initialises anew.
class PluginLoaderTest : public ::testing::Test {
 protected:
  PluginLoaderTest() {
    g_inits = &inits_;
    host_.struct_size = sizeof host_;
    host_.abi_minor = WEIR_ABI_MINOR;
    host_.log = Log;
    ::unsetenv("WEIR_TEST_PLUGIN_RAN");
  }

  PluginLoader Make(std::vector<std::string> directories = {kDirectory},
                    std::vector<const weir_plugin_descriptor*> built_in = {}) {
    return PluginLoader({std::move(directories), &host_, std::move(built_in)});
  }

  // Why `name` is refused; what ran of it is then looked at by the caller.
  std::string Refusal(const std::string& name) {
    PluginLoader loader = Make();
    std::string error;
    EXPECT_EQ(loader.Load(name, &error), nullptr);
    EXPECT_THAT(loader.plugins(), IsEmpty());
    EXPECT_THAT(loader.codecs(), IsEmpty());
    EXPECT_THAT(loader.http_filters(), IsEmpty());
    EXPECT_THAT(loader.network_filters(), IsEmpty());
    const std::string start = "plugin " + kDirectory + "/" + name + ".so: ";
    EXPECT_THAT(error, StartsWith(start));
    return error.substr(std::min(error.size(), start.size()));
  }

  weir_host host_{};
  std::vector<std::string> inits_;
};

TEST_F(PluginLoaderTest, FindsEachKindOfAPluginByName) {
  PluginLoader loader = Make();
  std::string error;
  const HttpFilterExtension* filter = loader.FindHttpFilter("good", &error);
  ASSERT_NE(filter, nullptr) << error;
  EXPECT_NE(filter->api->request_headers, nullptr);
  EXPECT_EQ(filter->plugin->name, "good");
  EXPECT_EQ(filter->plugin->version, "1.2.3");
  EXPECT_EQ(filter->plugin->path, kDirectory + "/good.so");
  const NetworkFilterExtension* network = loader.FindNetworkFilter("good", &error);
  ASSERT_NE(network, nullptr) << error;
  EXPECT_EQ(network->plugin, filter->plugin);
  // Its file does not have this name, but it is loaded.
  const CodecExtension* codec = loader.FindCodec("good_codec", &error);
  ASSERT_NE(codec, nullptr) << error;
  EXPECT_EQ(codec->plugin, filter->plugin);
}

TEST_F(PluginLoaderTest, InitRunsOnce) {
  PluginLoader loader = Make();
  std::string error;
  const Plugin* first = loader.Load("good", &error);
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(loader.Load("good", &error), first);
  EXPECT_NE(loader.FindHttpFilter("good", &error), nullptr);
  EXPECT_THAT(inits_, ElementsAre("good init"));
}

TEST_F(PluginLoaderTest, APluginWithoutInitIsFine) {
  PluginLoader loader = Make();
  std::string error;
  EXPECT_NE(loader.FindHttpFilter("no_init", &error), nullptr) << error;
}

TEST_F(PluginLoaderTest, AnotherMajorIsRefusedBeforeItsCodeRuns) {
  EXPECT_EQ(Refusal("wrong_major"),
            "is built for ABI 7.3, this host has " + AbiVersion(WEIR_ABI_MAJOR, WEIR_ABI_MINOR));
  EXPECT_EQ(std::getenv("WEIR_TEST_PLUGIN_RAN"), nullptr);
}

TEST_F(PluginLoaderTest, AnotherCandidateIsRefusedBeforeItsCodeRuns) {
  if (WEIR_ABI_CANDIDATE == 0) GTEST_SKIP() << "1.0 is frozen";
  EXPECT_EQ(Refusal("other_candidate"),
            "is built for ABI " + AbiVersion(WEIR_ABI_MAJOR, WEIR_ABI_MINOR - 0x100) +
                ", this host has " + AbiVersion(WEIR_ABI_MAJOR, WEIR_ABI_MINOR));
  EXPECT_EQ(std::getenv("WEIR_TEST_PLUGIN_RAN"), nullptr);
}

TEST_F(PluginLoaderTest, AnotherMagicIsRefusedBeforeItsCodeRuns) {
  EXPECT_EQ(Refusal("wrong_magic"),
            "is no plugin: its descriptor does not begin with the magic number");
  EXPECT_EQ(std::getenv("WEIR_TEST_PLUGIN_RAN"), nullptr);
}

TEST_F(PluginLoaderTest, AMissingSymbolIsRefusedBeforeItsCodeRuns) {
  EXPECT_EQ(Refusal("no_symbol"), "is no plugin: it does not export the symbol weir_plugin");
  EXPECT_EQ(std::getenv("WEIR_TEST_PLUGIN_RAN"), nullptr);
}

TEST_F(PluginLoaderTest, ANewerMinorIsAcceptedAndItsNewKindsAreSkipped) {
  PluginLoader loader = Make();
  std::string error;
  const HttpFilterExtension* filter = loader.FindHttpFilter("newer_minor", &error);
  ASSERT_NE(filter, nullptr) << error;
  EXPECT_EQ(filter->plugin->abi_minor, WEIR_ABI_MINOR + 99);
  EXPECT_EQ(loader.FindHttpFilter("future", &error), nullptr);
}

TEST_F(PluginLoaderTest, ABadDescriptorIsRefused) {
  EXPECT_THAT(Refusal("small_descriptor"), StartsWith("has a descriptor of 24 bytes, needed are "));
  EXPECT_EQ(Refusal("no_extensions"), "has 0 extensions, 1 to 256 are possible");
  EXPECT_EQ(Refusal("many_extensions"), "has 100000 extensions, 1 to 256 are possible");
  EXPECT_THAT(Refusal("no_name"), StartsWith("has no valid plugin name"));
  EXPECT_EQ(Refusal("no_version"), "has no version");
}

TEST_F(PluginLoaderTest, ABadExtensionIsRefused) {
  EXPECT_THAT(Refusal("bad_extension_name"), StartsWith("extension 0 has no valid name"));
  EXPECT_EQ(Refusal("unknown_kind"), "extension good is of kind 77, which is not known");
  EXPECT_THAT(Refusal("small_api"), StartsWith("HTTP filter good has a table of 16 bytes, needed"));
  EXPECT_EQ(Refusal("twice"), "codec good_codec stands in it twice");
  EXPECT_EQ(Refusal("null_api"), "codec other has no table");
}

TEST_F(PluginLoaderTest, AMandatoryHookThatIsNullIsRefused) {
  EXPECT_EQ(Refusal("no_config_new"), "HTTP filter good has no config_new");
  EXPECT_EQ(Refusal("no_produce"), "codec good_codec has no produce");
}

TEST_F(PluginLoaderTest, AnHttpFilterMayHaveNoHookAtAll) {
  PluginLoader loader = Make();
  std::string error;
  EXPECT_NE(loader.Load("no_hook", &error), nullptr) << error;
}

TEST_F(PluginLoaderTest, AStateTooLargeOrNeverMadeIsRefused) {
  EXPECT_EQ(Refusal("large_state"),
            "HTTP filter good asks for a state of 1025 bytes, allowed are 1024");
  EXPECT_EQ(Refusal("state_without_create"), "HTTP filter good has a state but no create");
}

TEST_F(PluginLoaderTest, AFailedInitIsRefusedWithItsReason) {
  EXPECT_EQ(Refusal("init_fails"), "init failed: the moon is full");
  EXPECT_EQ(Refusal("init_silent"), "init failed: the plugin gave no reason");
  EXPECT_THAT(Refusal("init_long"), AllOf(StartsWith("init failed: xxx"), EndsWith("xxx")));
}

TEST_F(PluginLoaderTest, ARefusedFileIsNotTriedAgain) {
  PluginLoader loader = Make();
  std::string first;
  std::string second;
  EXPECT_EQ(loader.FindHttpFilter("init_fails", &first), nullptr);
  EXPECT_EQ(loader.FindHttpFilter("init_fails", &second), nullptr);
  EXPECT_EQ(first, second);
  EXPECT_THAT(inits_, ElementsAre("init_fails init"));
}

TEST_F(PluginLoaderTest, AnExtensionNameIsTakenOnce) {
  PluginLoader loader = Make();
  std::string error;
  ASSERT_NE(loader.Load("good", &error), nullptr);
  EXPECT_EQ(loader.Load("good_again", &error), nullptr);
  EXPECT_EQ(error, "plugin " + kDirectory +
                       "/good_again.so: HTTP filter good is already provided by " + kDirectory +
                       "/good.so");
  EXPECT_THAT(inits_, ElementsAre("good init"));
  EXPECT_EQ(loader.codecs().size(), 1u);
}

TEST_F(PluginLoaderTest, EachCodecHasItsOwnRawForm) {
  PluginLoader loader = Make();
  std::string error;
  ASSERT_NE(loader.Load("good", &error), nullptr);
  ASSERT_NE(loader.Load("no_init", &error), nullptr);
  const std::vector<const CodecExtension*> codecs = loader.codecs();
  ASSERT_EQ(codecs.size(), 2u);
  EXPECT_NE(codecs[0]->raw_form, 0);
  EXPECT_NE(codecs[1]->raw_form, 0);
  EXPECT_NE(codecs[0]->raw_form, codecs[1]->raw_form);
}

TEST_F(PluginLoaderTest, WhereWasLookedIsSaid) {
  PluginLoader loader = Make({kDirectory, "/nowhere"});
  std::string error;
  EXPECT_EQ(loader.FindCodec("h9", &error), nullptr);
  EXPECT_EQ(error, "no plugin file h9.so in " + kDirectory + ", /nowhere");
  PluginLoader nowhere = Make({});
  EXPECT_EQ(nowhere.FindCodec("h9", &error), nullptr);
  EXPECT_EQ(error, "no plugin file h9.so in (no plugin directory)");
}

TEST_F(PluginLoaderTest, AnotherKindOfTheNameIsNotTaken) {
  PluginLoader loader = Make();
  std::string error;
  EXPECT_EQ(loader.FindCodec("good", &error), nullptr);
  EXPECT_EQ(error, "plugin " + kDirectory + "/good.so: it holds no codec good");
}

TEST_F(PluginLoaderTest, ANameIsNoPath) {
  PluginLoader loader = Make({kDirectory + "/sub"});
  for (const std::string name : {"../good", "/etc/passwd", "", "Good", "a b", "a\n"}) {
    std::string error;
    EXPECT_EQ(loader.FindHttpFilter(name, &error), nullptr);
    EXPECT_THAT(error, HasSubstr("is no plugin name")) << name;
  }
  std::string error;
  EXPECT_EQ(loader.FindHttpFilter(std::string(65, 'a'), &error), nullptr);
  EXPECT_THAT(error, HasSubstr("is no plugin name"));
}

TEST_F(PluginLoaderTest, TheFirstDirectoryThatHasTheFileDecides) {
  std::string name = (std::filesystem::temp_directory_path() / "weir_loader_XXXXXX").string();
  const std::string first = ::mkdtemp(name.data());
  std::ofstream(first + "/good.so") << "not a plugin";
  PluginLoader loader = Make({first, kDirectory});
  std::string error;
  // Going on to the next directory would hide a broken installation.
  EXPECT_EQ(loader.FindHttpFilter("good", &error), nullptr);
  EXPECT_EQ(error, "plugin " + first + "/good.so: is not a shared object (no ELF header)");
  std::filesystem::remove_all(first);
}

TEST_F(PluginLoaderTest, AnObjectWithAnUndefinedSymbolIsRefusedByTheLinker) {
  PluginLoader loader = Make();
  std::string error;
  EXPECT_EQ(loader.LoadFile(std::string(WEIR_TEST_PLUGIN_DIR) + "/undefined.so", &error), nullptr);
  EXPECT_THAT(error, AllOf(HasSubstr("/undefined.so: cannot be loaded: "),
                           HasSubstr("weir_test_nobody_has_this")));
}

void* ConfigNew(const weir_host*, const weir_http_api*, const weir_node*, std::uint32_t) {
  return nullptr;
}
std::int32_t RequestHeaders(void*, weir_stream*, std::uint32_t) {
  return WEIR_CONTINUE;
}

constexpr weir_http_filter_api MakeFilter() {
  weir_http_filter_api api{};
  api.struct_size = sizeof api;
  api.config_new = ConfigNew;
  api.request_headers = RequestHeaders;
  return api;
}
const weir_http_filter_api kFilter = MakeFilter();
const weir_extension kExtensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "good", &kFilter}};

std::vector<std::string>* g_ends = nullptr;

TEST_F(PluginLoaderTest, EndsInReverseOrderWhatItInitialised) {
  std::vector<std::string> ends;
  g_ends = &ends;
  const weir_extension other[] = {{WEIR_KIND_HTTP_FILTER, 0, "other", &kFilter}};
  const weir_extension third[] = {{WEIR_KIND_HTTP_FILTER, 0, "third", &kFilter}};
  weir_plugin_descriptor one = sdk::Descriptor("one", "1.0", kExtensions);
  one.fini = [] { g_ends->push_back("one"); };
  weir_plugin_descriptor two = sdk::Descriptor("two", "1.0", other);
  two.fini = [] { g_ends->push_back("two"); };
  weir_plugin_descriptor refused = sdk::Descriptor("refused", "1.0", third);
  refused.init = [](const weir_host*, char*, std::size_t) { return std::int32_t{WEIR_ERROR}; };
  refused.fini = [] { g_ends->push_back("refused"); };
  {
    PluginLoader loader = Make({}, {&one, &two, &refused});
    std::string error;
    for (const char* name : {"good", "other"})
      ASSERT_NE(loader.FindHttpFilter(name, &error), nullptr) << error;
    EXPECT_EQ(loader.FindHttpFilter("third", &error), nullptr);
    EXPECT_THAT(ends, IsEmpty());
  }
  EXPECT_THAT(ends, ElementsAre("two", "one"));
}

TEST_F(PluginLoaderTest, ABuiltInPluginComesBeforeAFile) {
  const weir_plugin_descriptor descriptor = sdk::Descriptor("inside", "1.0", kExtensions);
  PluginLoader loader = Make({kDirectory}, {&descriptor});
  std::string error;
  const HttpFilterExtension* filter = loader.FindHttpFilter("good", &error);
  ASSERT_NE(filter, nullptr) << error;
  EXPECT_EQ(filter->api, &kFilter);
  EXPECT_EQ(filter->plugin->path, "(built in)");
  // The file of the same name brings the same extension, and so cannot be loaded any more.
  EXPECT_EQ(loader.FindNetworkFilter("good", &error), nullptr);
  EXPECT_THAT(error, HasSubstr("HTTP filter good is already provided by (built in)"));
}

}  // namespace
}  // namespace weir::plugins
