#include "core/explain/choose_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/explain/request_line.h"
#include "tests/unit/core/config/config_testing.h"

namespace weir::explain {
namespace {

using testing::HasSubstr;

constexpr char kFile[] = R"(
listeners:
  - { name: a, address: "127.0.0.1:8080", http: { routes: [{ match: { prefix: / }, route: { cluster: c } }] } }
  - { name: b, address: "0.0.0.0:8081", http: { routes: [{ match: { prefix: / }, route: { cluster: c } }] } }
  - name: t
    address: "[::]:8443"
    tls: { certificates: [{ cert: c.pem, key: k.pem }] }
    http: { routes: [{ match: { prefix: / }, route: { cluster: c } }] }
  - { name: u, address: "unix:/run/a", http: { routes: [{ match: { prefix: / }, route: { cluster: c } }] } }
clusters:
  - { name: c, endpoints: ["10.0.0.1:80"] }
)";

struct Chosen {
  std::shared_ptr<const config::Bootstrap> bootstrap = config::testing::MustLoad(kFile);
  Explanation explanation;
  std::string mistake;
  std::string name() const {
    return explanation.listener == nullptr ? "" : explanation.listener->name;
  }
};

Chosen Choose(const std::string& url, const std::string& name = "") {
  Chosen chosen;
  EXPECT_EQ(ReadRequest({url}, {}, &chosen.explanation.request, &chosen.explanation.notes), "");
  chosen.mistake = ChooseListener(*chosen.bootstrap, name, &chosen.explanation);
  return chosen;
}

TEST(ChooseListener, SchemeAndPortChoose) {
  EXPECT_EQ(Choose("http://x:8080/").name(), "a");
  EXPECT_EQ(Choose("http://x:8081/").name(), "b");
  EXPECT_EQ(Choose("https://x:8443/").name(), "t");
  EXPECT_EQ(Choose("https://x:8080/").name(), "");
  EXPECT_EQ(Choose("http://x:8443/").name(), "");
}

TEST(ChooseListener, AnAddressIsComparedWhereBothSidesHaveOne) {
  EXPECT_EQ(Choose("http://127.0.0.1:8080/").name(), "a");
  EXPECT_EQ(Choose("http://10.1.1.1:8080/").name(), "");
  EXPECT_EQ(Choose("http://10.1.1.1:8081/").name(), "b");
}

TEST(ChooseListener, WithoutAPortTheOnlyOneOfTheSchemeIsTaken) {
  const Chosen chosen = Choose("https://x/");
  EXPECT_EQ(chosen.name(), "t");
  EXPECT_EQ(chosen.explanation.notes.size(), 1u);
  EXPECT_THAT(Choose("http://x/").mistake, HasSubstr("a, b"));
  EXPECT_EQ(Choose("https://x:444/").name(), "");
}

TEST(ChooseListener, ANameChoosesWhateverTheUrlSays) {
  EXPECT_EQ(Choose("http://x/", "u").name(), "u");
  EXPECT_EQ(Choose("/", "a").name(), "a");
  const Chosen other = Choose("https://x/", "a");
  EXPECT_EQ(other.name(), "a");
  EXPECT_THAT(other.explanation.notes.back(), HasSubstr("end the TLS"));
  EXPECT_THAT(Choose("/", "z").mistake, HasSubstr("no listener \"z\""));
  EXPECT_THAT(Choose("/").mistake, HasSubstr("--listener"));
}

TEST(ChooseListener, EachOfTheOthersSaysWhyNot) {
  const Chosen chosen = Choose("http://x:8081/");
  for (const ListenerStep& step : chosen.explanation.listeners)
    EXPECT_EQ(step.chosen, step.why.empty()) << step.listener->name;
}

}  // namespace
}  // namespace weir::explain
