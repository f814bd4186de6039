#include "core/config/expand_env.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

std::string Expanded(std::string_view text) {
  std::string error;
  const auto lookup = [](const std::string& name) -> std::optional<std::string> {
    if (name == "PORT") return "8080";
    if (name == "EMPTY") return "";
    if (name == "NESTED") return "${PORT}";
    return std::nullopt;
  };
  const auto value = ExpandEnvironment(text, lookup, &error);
  return value ? *value : "error: " + error;
}

TEST(ExpandEnvironment, ReplacesVariablesAndDefaults) {
  EXPECT_EQ(Expanded("${PORT}"), "8080");
  EXPECT_EQ(Expanded("a${PORT}b${PORT}c"), "a8080b8080c");
  EXPECT_EQ(Expanded("${PORT:-90}"), "8080");
  EXPECT_EQ(Expanded("${UNSET:-90}"), "90");
  EXPECT_EQ(Expanded("${EMPTY:-90}"), "90");
  EXPECT_EQ(Expanded("${EMPTY}"), "");
  EXPECT_EQ(Expanded("${UNSET:-}"), "");
  EXPECT_EQ(Expanded("${UNSET:-a:-b}"), "a:-b");
}

TEST(ExpandEnvironment, LeavesOtherDollarsAlone) {
  EXPECT_EQ(Expanded("$$"), "$$");
  EXPECT_EQ(Expanded("^/a$"), "^/a$");
  EXPECT_EQ(Expanded("$PORT"), "$PORT");
  EXPECT_EQ(Expanded("$${PORT}"), "${PORT}");
  EXPECT_EQ(Expanded("$$${PORT}"), "$${PORT}");
  EXPECT_EQ(Expanded("${PORT}$${PORT}${PORT}"), "8080${PORT}8080");
}

TEST(ExpandEnvironment, DoesNotExpandWhatAValueHolds) {
  EXPECT_EQ(Expanded("${NESTED}"), "${PORT}");
}

TEST(ExpandEnvironment, NamesTheMistake) {
  EXPECT_EQ(Expanded("x${UNSET}"),
            "error: environment variable \"UNSET\" is not set and ${UNSET} has no default (write "
            "${UNSET:-default})");
  EXPECT_EQ(Expanded("${PORT"),
            "error: \"${PORT\" has no closing brace (a literal ${ is written $${)");
  EXPECT_EQ(Expanded("${1A}"),
            "error: \"1A\" is no name of an environment variable (a literal ${ is written $${)");
  EXPECT_EQ(Expanded("${}"),
            "error: \"\" is no name of an environment variable (a literal ${ is written $${)");
}

TEST(EscapeEnvironment, IsUndoneByExpansion) {
  for (const char* text : {"", "$", "${A}", "a${", "$${A}", "$$${A}", "plain", "${${"}) {
    EXPECT_EQ(Expanded(EscapeEnvironment(text)), text);
  }
}

}  // namespace
}  // namespace weir::config
