#include "tests/unit/core/config/config_testing.h"

namespace weir::config::testing {
namespace {

TEST(ProxyBootstrap, SendsEveryRequestToOneCluster) {
  const LoadResult result = ProxyBootstrap(":8080", "four.example:90", TestOptions());
  ASSERT_TRUE(result.ok()) << result.diagnostics.Print();
  EXPECT_EQ(result.bootstrap->listeners.at(0).address.ToString(), "0.0.0.0:8080");
  EXPECT_EQ(result.bootstrap->clusters.at(0).endpoints.at(0).address.ToString(), "192.0.2.7:90");
  const Route& route = FirstRoute(*result.bootstrap);
  EXPECT_EQ(route.match.value, "/");
  EXPECT_EQ(std::get<RouteAction>(route.action).cluster, "backend");
}

TEST(ProxyBootstrap, TakesUnixSocketsAndOddTexts) {
  EXPECT_TRUE(ProxyBootstrap("unix:/a b", "unix:/c: d", TestOptions()).ok());
  const LoadResult odd = ProxyBootstrap("unix:/${A}", "127.0.0.1:1", TestOptions());
  ASSERT_TRUE(odd.ok()) << odd.diagnostics.Print();
  EXPECT_EQ(odd.bootstrap->listeners.at(0).address.path, "/${A}");
}

TEST(ProxyBootstrap, NamesTheOptionThatIsWrong) {
  EXPECT_EQ(ProxyBootstrap("nowhere:80", "127.0.0.1:1", TestOptions()).diagnostics.Print(),
            "--from: \"nowhere:80\" is no address; expected an IP address or a Unix socket\n");
  EXPECT_EQ(ProxyBootstrap(":80", "127.0.0.1:99999", TestOptions()).diagnostics.Print(),
            "--to: \"127.0.0.1:99999\" is no address; expected a port from 0 to 65535 after the "
            "colon\n");
  EXPECT_FALSE(ProxyBootstrap(":80", "gone.example:1", TestOptions()).ok());
}

}  // namespace
}  // namespace weir::config::testing
