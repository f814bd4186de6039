#include "core/server/options.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "core/server/cpu_count.h"

namespace weir::server {
namespace {

using testing::HasSubstr;

ParsedOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "weir");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(OptionsTest, AFileIsServedWithTheDefaults) {
  const ParsedOptions parsed = Parse({"-c", "weir.yaml"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->command, Command::kServe);
  EXPECT_EQ(parsed.options->config_path, "weir.yaml");
  EXPECT_EQ(parsed.options->drain_delay, std::chrono::seconds(0));
  EXPECT_EQ(parsed.options->drain_time, std::chrono::seconds(30));
  EXPECT_EQ(parsed.options->log_level, base::LogLevel::kInfo);
  EXPECT_EQ(parsed.options->max_memory, 0u);
  EXPECT_EQ(parsed.options->concurrency, AvailableCpus());
}

TEST(OptionsTest, EveryOptionIsRead) {
  const ParsedOptions parsed =
      Parse({"--config-yaml", "listeners: []", "--concurrency", "3", "--log-level", "debug",
             "--log-path", "/tmp/log", "--plugin-path", "/a:/b", "--drain-time", "1500ms",
             "--drain-delay", "2s", "--max-memory", "512MiB", "--address-file", "/tmp/addresses"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->config_yaml, "listeners: []");
  EXPECT_EQ(parsed.options->concurrency, 3u);
  EXPECT_EQ(parsed.options->log_level, base::LogLevel::kDebug);
  EXPECT_EQ(parsed.options->log_path, "/tmp/log");
  EXPECT_EQ(parsed.options->plugin_path, "/a:/b");
  EXPECT_EQ(parsed.options->drain_time, std::chrono::milliseconds(1500));
  EXPECT_EQ(parsed.options->drain_delay, std::chrono::seconds(2));
  EXPECT_EQ(parsed.options->max_memory, 512u << 20);
  EXPECT_EQ(parsed.options->address_file, "/tmp/addresses");
}

TEST(OptionsTest, Commands) {
  EXPECT_EQ(Parse({"validate", "a.yaml"}).options->command, Command::kValidate);
  EXPECT_EQ(Parse({"validate", "a.yaml"}).options->config_path, "a.yaml");
  EXPECT_EQ(Parse({"config", "--expand", "a.yaml"}).options->command, Command::kExpand);
  EXPECT_EQ(Parse({"config", "--expand", "a.yaml"}).options->config_path, "a.yaml");
  EXPECT_EQ(Parse({"plugins", "-c", "a.yaml"}).options->command, Command::kPlugins);
  EXPECT_EQ(Parse({"plugins", "-c", "a.yaml"}).options->config_path, "a.yaml");
  EXPECT_FALSE(Parse({"plugins", "-c", "a.yaml"}).options->json);
  EXPECT_TRUE(Parse({"plugins", "-c", "a.yaml", "--format", "json"}).options->json);
  EXPECT_EQ(Parse({"plugins", "--config", "a", "--plugin-path", "/p"}).options->plugin_path, "/p");
  EXPECT_EQ(Parse({"plugins"}).exit_code, kExitUsage);
  EXPECT_EQ(Parse({"plugins", "-c", "a.yaml", "--format", "xml"}).exit_code, kExitUsage);
  const ParsedOptions proxy = Parse({"proxy", "--from", ":8080", "--to", "app:9000"});
  ASSERT_TRUE(proxy.options.has_value()) << proxy.text;
  EXPECT_EQ(proxy.options->command, Command::kProxy);
  EXPECT_EQ(proxy.options->proxy_from, ":8080");
  EXPECT_EQ(proxy.options->proxy_to, "app:9000");
}

TEST(OptionsTest, ValidateMayBeStrict) {
  EXPECT_FALSE(Parse({"validate", "a.yaml"}).options->strict);
  EXPECT_TRUE(Parse({"validate", "--strict", "a.yaml"}).options->strict);
  EXPECT_TRUE(Parse({"validate", "a.yaml", "--strict"}).options->strict);
}

TEST(OptionsTest, ARequestToExplain) {
  const ParsedOptions parsed = Parse({"explain", "-c", "a.yaml", "-H", "a: b", "POST",
                                      "https://h/p", "-H", "c: d", "--listener", "web", "--json"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->command, Command::kExplain);
  EXPECT_EQ(parsed.options->config_path, "a.yaml");
  EXPECT_THAT(parsed.options->explain.words, testing::ElementsAre("POST", "https://h/p"));
  EXPECT_THAT(parsed.options->explain.headers, testing::ElementsAre("a: b", "c: d"));
  EXPECT_EQ(parsed.options->explain.listener, "web");
  EXPECT_TRUE(parsed.options->explain.json);
  EXPECT_FALSE(parsed.options->explain.all);
  EXPECT_EQ(Parse({"explain", "/"}).exit_code, kExitUsage);
  EXPECT_EQ(Parse({"explain", "-c", "a.yaml"}).exit_code, kExitUsage);
  EXPECT_EQ(Parse({"explain", "-c", "a.yaml", "GET", "/", "/"}).exit_code, kExitUsage);
}

TEST(OptionsTest, CommandsForAuthorsOfPlugins) {
  const ParsedOptions made = Parse({"new-filter", "mine", "--lang", "c++"});
  ASSERT_TRUE(made.options.has_value()) << made.text;
  EXPECT_EQ(made.options->command, Command::kNewFilter);
  EXPECT_EQ(made.options->new_filter.name, "mine");
  EXPECT_EQ(made.options->new_filter.language, "c++");
  EXPECT_EQ(Parse({"new-filter", "mine", "--lang", "cobol"}).exit_code, kExitUsage);
  EXPECT_EQ(Parse({"new-filter", "mine"}).exit_code, kExitUsage);
  const ParsedOptions tried = Parse({"plugin-test", "a.so", "a.yaml", "--extension", "b"});
  ASSERT_TRUE(tried.options.has_value()) << tried.text;
  EXPECT_EQ(tried.options->command, Command::kPluginTest);
  EXPECT_EQ(tried.options->plugin_test.file, "a.so");
  EXPECT_EQ(tried.options->plugin_test.config_path, "a.yaml");
  EXPECT_EQ(tried.options->plugin_test.extension, "b");
}

TEST(OptionsTest, OptionsMayStandBehindACommand) {
  const ParsedOptions parsed =
      Parse({"proxy", "--from", ":8080", "--to", "app:9000", "--concurrency", "2"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->concurrency, 2u);
}

TEST(OptionsTest, AMistakeIsExitCodeTwoAndNamed) {
  const struct {
    std::vector<const char*> arguments;
    const char* named;
  } kCases[] = {
      {{}, "-c FILE"},
      {{"--nonsense"}, "--nonsense"},
      {{"-c"}, "--config"},
      {{"-c", "a", "--config-yaml", "b"}, "exclude"},
      {{"validate"}, "FILE"},
      {{"validate", "a", "b"}, "b"},
      {{"-c", "a", "validate", "b"}, "--config"},
      {{"config"}, "--expand"},
      {{"proxy", "--from", ":80"}, "--to"},
      {{"-c", "a", "--concurrency", "0"}, "--concurrency"},
      {{"-c", "a", "--concurrency", "x"}, "--concurrency"},
      {{"-c", "a", "--concurrency", "1025"}, "--concurrency"},
      {{"-c", "a", "--log-level", "loud"}, "loud"},
      {{"-c", "a", "--drain-time", "fast"}, "fast"},
      {{"-c", "a", "--drain-time", "-1s"}, "--drain-time"},
      {{"-c", "a", "--drain-time", "25h"}, "25h"},
      {{"-c", "a", "--drain-delay", "later"}, "later"},
      {{"-c", "a", "--max-memory", "much"}, "much"},
      {{"-c", "a", "--max-memory", "0"}, "--max-memory"},
  };
  for (const auto& c : kCases) {
    const ParsedOptions parsed = Parse(c.arguments);
    EXPECT_FALSE(parsed.options.has_value()) << c.named;
    EXPECT_EQ(parsed.exit_code, kExitUsage) << c.named;
    EXPECT_THAT(parsed.text, HasSubstr(c.named));
  }
}

TEST(OptionsTest, HelpHasAnExampleForEachCommand) {
  const ParsedOptions parsed = Parse({"--help"});
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.exit_code, kExitOk);
  for (const char* example : {"weir -c weir.yaml", "weir validate weir.yaml",
                              "weir config --expand weir.yaml", "weir proxy --from :8080"}) {
    EXPECT_THAT(parsed.text, HasSubstr(example));
  }
  EXPECT_THAT(Parse({"proxy", "--help"}).text, HasSubstr("weir proxy --from"));
  EXPECT_EQ(Parse({"validate", "--help"}).exit_code, kExitOk);
}

TEST(OptionsTest, TheVersionIsTheProjects) {
  const ParsedOptions parsed = Parse({"--version"});
  EXPECT_EQ(parsed.exit_code, kExitOk);
  EXPECT_THAT(parsed.text, testing::MatchesRegex("weir [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(OptionsTest, TheAffinityMaskSetsTheNumberOfWorkers) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableCpus(), 1u);
  sched_setaffinity(0, sizeof(before), &before);
}

}  // namespace
}  // namespace weir::server
