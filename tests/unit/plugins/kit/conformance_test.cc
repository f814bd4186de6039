#include "plugins/kit/conformance.h"

#include <cstdio>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The sanitizers bring a malloc of their own, which keeps no account that the kit could read.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_MALLOC 1
#endif
#endif

namespace weir::kit {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Result {
  int code;
  std::string text;
};

Result Try(const std::string& path, const std::string& yaml = {}, unsigned seconds = 60,
           const std::string& only = {}) {
  const std::string base = testing::TempDir() + "conformance" + std::to_string(::getpid());
  Conformance request;
  request.file = path;
  request.case_seconds = seconds;
  request.only = only;
  if (!yaml.empty()) {
    request.config_path = base + ".yaml";
    std::ofstream(request.config_path) << yaml;
  }
  std::FILE* const out = std::tmpfile();
  const int code = RunConformance(request, out);
  std::string text(static_cast<std::size_t>(std::ftell(out)), '\0');
  std::rewind(out);
  text.resize(std::fread(text.data(), 1, text.size(), out));
  std::fclose(out);
  std::remove(request.config_path.c_str());
  return {code, text};
}

Result Bad(const std::string& name, unsigned seconds = 60, const std::string& only = {}) {
  return Try(std::string(BAD_PLUGINS) + "/" + name + ".so", {}, seconds, only);
}

void ExpectFound(const std::string& name, const std::string& sentence, unsigned seconds = 60,
                 const std::string& only = {}) {
  const Result result = Bad(name, seconds, only);
  EXPECT_EQ(result.code, 1) << result.text;
  EXPECT_THAT(result.text, HasSubstr(sentence)) << name;
}

TEST(ConformanceTest, PluginsWithoutAMistakePass) {
  for (const char* name : {"NOTHING", "COUNTS", "STOPS_ALL", "CODEC_GOOD"}) {
    const Result result = Bad(name);
    EXPECT_EQ(result.code, 0) << result.text;
    EXPECT_THAT(result.text, Not(HasSubstr("FAILED")));
  }
}

TEST(ConformanceTest, ShippedPluginsPass) {
  for (const char* name : {"h1", "h2", "echo"}) {
    const Result result = Try(std::string(WEIR_SHIPPED_DIR) + "/" + name + ".so");
    EXPECT_EQ(result.code, 0) << result.text;
  }
  const Result result =
      Try(std::string(WEIR_SHIPPED_DIR) + "/header_mutation.so",
          "mutations:\n  request_mutations:\n  - remove: cookie\n  response_mutations:\n"
          "  - append: {header: {key: x-a, value: b}}\n");
  EXPECT_EQ(result.code, 0) << result.text;
}

TEST(ConformanceTest, WhatCannotBeLoadedIsSaid) {
  EXPECT_THAT(Try("/nowhere/x.so").text, HasSubstr("/nowhere/x.so"));
  ExpectFound("INIT", "no licence");
  ExpectFound("FINI", "the plugin ended the process");
}

TEST(ConformanceTest, MistakesOfTheRequestAreItsOwn) {
  Conformance request;
  request.file = std::string(BAD_PLUGINS) + "/NOTHING.so";
  request.extension = "another";
  std::FILE* const out = std::tmpfile();
  EXPECT_EQ(RunConformance(request, out), 2);
  request.config_path = "/nowhere/x.yaml";
  EXPECT_EQ(RunConformance(request, out), 2);
  std::fclose(out);
}

TEST(ConformanceTest, MistakesAroundTheConfiguration) {
  ExpectFound("NO_CONFIG", "refuses to be without a configuration");
  ExpectFound("NO_CONFIG", "gave no reason");
  ExpectFound("STARTS_WHILE_VALIDATING", "where a configuration is only looked at");
  const Result unknown =
      Try(std::string(BAD_PLUGINS) + "/NOTHING.so", "a_key: that it does not know\n");
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.text, HasSubstr("1:1: "));
}

TEST(ConformanceTest, AnswersThatAHookMustNotGive) {
  ExpectFound("STATUS", "request_headers answers 77, which it must not");
  ExpectFound("DATA_STATUS", "request_data answers 3, which it must not");
  ExpectFound("FAILS", "request_headers answers -1 to an ordinary message");
  ExpectFound("CREATE", "create answers -1 to an ordinary request");
  ExpectFound("REPLY", "a local reply has the status 42");
}

TEST(ConformanceTest, StreamsThatNeverGoOn) {
  ExpectFound("NEVER_CONTINUES",
              "request_headers has withheld the request and never lets it go on");
}

TEST(ConformanceTest, CrashesNameTheCaseAndTheSignal) {
  const Result result = Bad("NULL");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.text, HasSubstr("FAILED  empty and huge messages\n"
                                     "          the plugin ended the process"));
#if !defined(OWN_MALLOC)
  EXPECT_THAT(result.text, HasSubstr("SIGSEGV"));
#endif
  // The cases behind it are run all the same.
  EXPECT_THAT(result.text, HasSubstr("ok      several workers at a time"));
  ExpectFound("THROWS", "an exception has left the plugin: thrown away");
}

TEST(ConformanceTest, HooksThatHangOrAreSlow) {
  ExpectFound("HANGS", "it did not end within 5 s", 5, "huge");
  ExpectFound("SLOW", "ms, each time", 60, "slow");
}

TEST(ConformanceTest, WhatIsNotGivenBack) {
  ExpectFound("CALLOUT", "a call-out outlives its stream");
  ExpectFound("TIMERS", "makes timers for streams and does not free them");
#if !defined(OWN_MALLOC)
  ExpectFound("LEAK", "memory grows by about 1");
  ExpectFound("LEAK", "bytes with each stream");
  ExpectFound("CONFIG_LEAK", "bytes with each configuration");
#endif
}

TEST(ConformanceTest, CallsOutOfTurnAndWritesOutOfBounds) {
  ExpectFound("LATE_CALL", "calls the host for a stream in destroy or after it");
  ExpectFound("THREAD", "from a thread that is not the stream's worker");
#if !defined(OWN_MALLOC)  // where the address sanitizer does not find it first
  ExpectFound("STATE", "create writes behind the 8 bytes of its state");
#endif
}

TEST(ConformanceTest, DecisionsThatDependOnHowABodyIsSplit) {
  ExpectFound("SPLIT", "decides otherwise when the same body comes in other pieces");
}

TEST(ConformanceTest, MistakesOfTheOtherKinds) {
  ExpectFound("LOGGER", "writes what is no whole line");
  ExpectFound("NETWORK", "takes more bytes than were received");
  ExpectFound("LISTENER", "decides otherwise when the same first bytes come in pieces of 1");
  ExpectFound("CODEC_LEAK", "blocks of codec_host->alloc are not given back after destroy");
  ExpectFound("CODEC_USES", "receive uses more bytes than it was shown");
  ExpectFound("CODEC_ENDLESS", "receive makes events without end and uses no byte");
}

}  // namespace
}  // namespace weir::kit
