#include "core/server/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/loader.h"
#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

constexpr char kNobody[] =
    "listeners: [ { name: web, address: 127.0.0.1:0, http: { routes: [ { match: { prefix: / }, "
    "direct_response: { status: 200 } } ] } } ]\n";

class FingerprintTest : public testing::Test {
 protected:
  // Of the first listener or cluster of such a file.
  std::string OfListener(const std::string& text) {
    const config::LoadResult loaded = config::LoadString(text, "weir.yaml");
    EXPECT_TRUE(loaded.ok()) << loaded.diagnostics.Print();
    if (!loaded.ok()) return "";
    return FingerprintOf(*loaded.bootstrap, loaded.bootstrap->listeners.at(0), nullptr);
  }
  std::string OfCluster(const std::string& fields) {
    const config::LoadResult loaded = config::LoadString(
        std::string(kNobody) + "clusters: [ { name: app, " + fields + " } ]\n", "weir.yaml");
    EXPECT_TRUE(loaded.ok()) << loaded.diagnostics.Print();
    if (!loaded.ok()) return "";
    return FingerprintOf(loaded.bootstrap->clusters.at(0), nullptr);
  }
  // A listener with a filter whose configuration has this text.
  std::string WithFilter(const std::string& text) {
    return OfListener(
        "listeners:\n  - name: web\n    address: 127.0.0.1:0\n    filters:\n"
        "      - { name: other, typed_config: { list: \"" +
        text + "\" } }\n      - { name: last, typed_config: {} }\n");
  }
  test::TemporaryDirectory directory_;
};

TEST_F(FingerprintTest, TheContentOfAFileIsWhatCounts) {
  const std::string path = directory_.Path("a");
  EXPECT_EQ(FingerprintOfFile(path), "none");
  directory_.Write("a", "x");
  const std::string x = FingerprintOfFile(path);
  directory_.Replace("a", "y");
  EXPECT_NE(FingerprintOfFile(path), x);
  directory_.Replace("a", "x");
  EXPECT_EQ(FingerprintOfFile(path), x);
  directory_.Write("a", "");
  EXPECT_NE(FingerprintOfFile(path), "none") << "an empty file is there";
}

TEST_F(FingerprintTest, EachFieldOfAClusterCounts) {
  const std::string app = OfCluster("endpoints: [127.0.0.1:9000]");
  EXPECT_EQ(OfCluster("endpoints: [ \"127.0.0.1:9000\" ]"), app);
  EXPECT_NE(OfCluster("endpoints: [127.0.0.1:9001]"), app);
  EXPECT_NE(OfCluster("endpoints: [127.0.0.2:9000]"), app);
  EXPECT_NE(OfCluster("endpoints: [127.0.0.1:9000], connect_timeout: 77s"), app);
  EXPECT_NE(OfCluster("endpoints: [127.0.0.1:9000], lb_policy: LEAST_REQUEST"), app);
}

TEST_F(FingerprintTest, AFileThatAFilterNamesCountsWithItsContent) {
  const std::string path = directory_.Path("list");
  const std::string missing = WithFilter(path);
  directory_.Write("list", "10.0.0.0/8\n");
  const std::string first = WithFilter(path);
  EXPECT_NE(first, missing);
  directory_.Replace("list", "10.0.0.0/9\n");
  EXPECT_NE(WithFilter(path), first);
  directory_.Replace("list", "10.0.0.0/8\n");
  EXPECT_EQ(WithFilter(path), first);
}

// They grow with each request.
TEST_F(FingerprintTest, AnAccessLogsContentDoesNotCount) {
  const std::string text =
      "listeners:\n  - name: web\n    address: 127.0.0.1:0\n    http:\n      access_log:\n"
      "        - { name: file, typed_config: { path: " +
      directory_.Path("access.log") +
      " } }\n      routes: [ { match: { prefix: / }, direct_response: { status: 200 } } ]\n";
  const std::string before = OfListener(text);
  directory_.Write("access.log", "a line\n");
  EXPECT_EQ(OfListener(text), before);
}

// They are followed without a reload.
TEST_F(FingerprintTest, OfACertificateThePathCountsAndNotTheContent) {
  const auto of = [&](const std::string& name) {
    return OfListener(
        "listeners:\n  - name: web\n    address: 127.0.0.1:0\n    tls: { certificates: [ { cert: " +
        directory_.Path(name) + ", key: " + directory_.Path("key.pem") +
        " } ] }\n    http: { routes: [ { match: { prefix: / }, direct_response: { status: 200 } } "
        "] "
        "}\n");
  };
  for (const char* name : {"a.pem", "b.pem", "key.pem"}) directory_.Write(name, "one");
  const std::string before = of("a.pem");
  directory_.Replace("a.pem", "another");
  directory_.Replace("key.pem", "another");
  EXPECT_EQ(of("a.pem"), before);
  EXPECT_NE(of("b.pem"), before);
}

}  // namespace
}  // namespace weir::server
