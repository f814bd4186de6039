#include "core/admin/redact.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/diagnostics.h"
#include "core/config/yaml.h"

namespace weir::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Redacted(const std::string& yaml) {
  config::Diagnostics diagnostics("test", yaml);
  const auto tree = config::ParseYaml(
      yaml, [](const std::string&) { return std::nullopt; }, &diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.Print();
  return config::PrintYaml(*Redact(*tree));
}

TEST(RedactTest, WhatASecretsKeyHoldsIsNotShown) {
  for (const char* yaml : {"password: hunter2",
                           "private_key: {inline_string: hunter2}",
                           "client_secret: hunter2",
                           "token: hunter2",
                           "bearer_token: {inline_string: hunter2}",
                           "api_key: [hunter2, hunter2]",
                           "x-api-key: hunter2",
                           "users: {inline_string: 'u:hunter2'}",
                           "HMAC_Secret: hunter2",
                           "authorization: Basic hunter2",
                           "credentials: {a: {b: [{c: hunter2}]}}",
                           "headers: [{key: Authorization, value: Bearer hunter2}]",
                           "header: {value: a=hunter2, key: cookie}",
                           "headers: [{name: x-api-key, string_match: {exact: hunter2}}]",
                           "headers: [{name: Authorization, exact_match: hunter2}]",
                           "headers: [{name: cookie, string_match: {safe_regex: {regex: hunter2}}, "
                           "invert_match: true}]",
                           "query_parameters: [{name: token, string_match: {prefix: hunter2}}]",
                           "header: {key: x-functions-key, value: hunter2}",
                           "header: {key: x-auth, value: hunter2}",
                           "header: {key: x-upstream, value: Bearer hunter2}",
                           "url: 'redis://user:hunter2@host:1/x'",
                           "url: 'http://a/b http://hunter2@c'",
                           "anything: \"-----BEGIN RSA PRIVATE KEY-----\\nhunter2\\n\""}) {
    EXPECT_THAT(Redacted(yaml), Not(HasSubstr("hunter2"))) << yaml;
    EXPECT_THAT(Redacted(yaml), HasSubstr(kRedacted)) << yaml;
  }
}

TEST(RedactTest, LinesOfTheFileAreLeftOutOfMistakes) {
  const std::string mistakes =
      "a.yaml:1:7: prot: unknown key\n"
      "    prot: 1\n"
      "    ^\n"
      "a.yaml:2:9: valeu: unknown key\n"
      "    - { key: X-Api-Key, valeu: hunter2 }\n"
      "                        ^\n";
  const std::string shown = RedactMistakes(mistakes);
  EXPECT_EQ(shown, "a.yaml:1:7: prot: unknown key\na.yaml:2:9: valeu: unknown key\n");
  for (const char* line :
       {"admin: { token: hunter2, adress: a }", "hunter2", "  value: hunter2", "      hunter2",
        "\"users\":{\"x\":\"hunter2\"}", "url: redis://u:hunter2@h/"})
    EXPECT_EQ(RedactMistakes("    " + std::string(line)), "") << line;
  EXPECT_EQ(RedactMistakes("a.yaml: bad url redis://u:hunter2@h/"),
            "a.yaml: bad url redis://[redacted]@h/\n");
  EXPECT_EQ(RedactMistakes(""), "");
}

TEST(RedactTest, WhereASecretIsReadFromIsShown) {
  EXPECT_EQ(Redacted("private_key:\n  filename: /etc/key.pem\n"),
            "private_key:\n  filename: /etc/key.pem\n");
  EXPECT_THAT(Redacted("token: {environment_variable: NAME}"), HasSubstr("NAME"));
}

TEST(RedactTest, TheRestIsTheSame) {
  for (const char* yaml :
       {"token_bucket:\n  max_tokens: 10\n", "name: a\nvalue: b\n", "- a\n- 1\n",
        "url: http://a/b@c\n", "empty: {}\n", "name: secret-app\nendpoints:\n  - a\n",
        "name: :authority\nexact_match: a\n",
        "name: www-authenticate\nvalue: Basic realm=\"a\"\n"}) {
    const std::string text = Redacted(yaml);
    EXPECT_THAT(text, Not(HasSubstr(kRedacted)));
  }
  EXPECT_EQ(Redacted("token_bucket:\n  max_tokens: 10\n"), "token_bucket:\n  max_tokens: 10\n");
  EXPECT_THAT(Redacted("password: ''"), Not(HasSubstr(kRedacted))) << "there is none";
}

}  // namespace
}  // namespace weir::admin
