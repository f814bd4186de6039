#include "core/observe/dashboard/dashboard_page.h"

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace weir::observe {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Between(std::string_view text, std::string_view from, std::string_view to) {
  const size_t begin = text.find(from) + from.size();
  return std::string(text.substr(begin, text.find(to, begin) - begin));
}

std::string Digest(const std::string& text) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, 64> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return reinterpret_cast<const char*>(base64.data());
}

TEST(DashboardPage, ThePolicyLetsThePagesOwnScriptAndStyleRunAndNoOther) {
  const std::string policy(DashboardPolicy());
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; "));
  EXPECT_THAT(policy, HasSubstr("script-src 'sha256-" +
                                Digest(Between(DashboardPage(), "<script>", "</script>")) + "';"));
  EXPECT_THAT(policy, HasSubstr("style-src 'sha256-" +
                                Digest(Between(DashboardPage(), "<style>", "</style>")) + "';"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
}

TEST(DashboardPage, ItIsWholeAndLoadsNothing) {
  const std::string page(DashboardPage());
  // No matchers: they would print the page.
  EXPECT_TRUE(page.rfind("<!doctype html>", 0) == 0);
  EXPECT_TRUE(page.find("</html>") != std::string::npos);
  for (const char* absent :
       {"@STYLE@", "@SCRIPT@", " src=", "url(", "@import", "import(", "innerHTML", "outerHTML",
        "insertAdjacentHTML", "document.write", "eval(", " onclick=", " style="})
    EXPECT_TRUE(page.find(absent) == std::string::npos) << absent;
}

}  // namespace
}  // namespace weir::observe
