#include "filters/http/basic_auth/basic_auth.h"

#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeHttpStream;
using kit::World;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return FakeConfig::Http(kBasicAuthApi, yaml, per_route);
}

constexpr char kAnna[] = "Basic YW5uYTpzZWNyZXQ=";        // anna:secret
constexpr char kWrong[] = "Basic YW5uYTp3cm9uZw==";       // anna:wrong
constexpr char kNobody[] = "Basic bm9ib2R5OnNlY3JldA==";  // nobody:secret
constexpr char kDora[] = "Basic ZG9yYTpzZWNyZXQ=";        // dora:secret

// anna's is bcrypt, dora's is {SHA}; both passwords are "secret".
constexpr char kUsers[] = R"(
users:
  inline_string: |
    # made by htpasswd
    anna:$2y$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza

    dora:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
)";
constexpr char kShaOnly[] = R"(
users: {inline_string: "dora:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="}
)";

class BasicAuthTest : public ::testing::Test {
 protected:
  void SetUp() override { World().Clear(); }
};

// One request.
struct Exchange {
  Exchange(const FakeConfig& config, const std::string& field, const char* name = "authorization")
      : self(new State) {
    if (!field.empty()) fields().emplace_back(name, field);
    EXPECT_EQ(kBasicAuthApi.create(self->bytes, config.get(), stream->handle()), WEIR_OK);
  }
  ~Exchange() {
    if (stream != nullptr) End();
  }
  // The stream ends, whatever goes on elsewhere.
  void End() {
    kBasicAuthApi.destroy(self->bytes);
    stream.reset();
  }
  std::vector<std::pair<std::string, std::string>>& fields() {
    return stream->messages[WEIR_REQUEST].fields;
  }
  std::int32_t Headers() { return kBasicAuthApi.request_headers(self->bytes, stream->handle(), 1); }
  struct State {
    alignas(16) char bytes[1024] = {};
  };
  std::unique_ptr<FakeHttpStream> stream = std::make_unique<FakeHttpStream>();
  std::unique_ptr<State> self;
};

TEST_F(BasicAuthTest, ARequestWithoutCredentialsIsAskedForThem) {
  const FakeConfig config = Load(kUsers);
  ASSERT_TRUE(config.ok()) << config.errors();
  Exchange request(config, "");
  EXPECT_EQ(request.Headers(), WEIR_STOP_ALL);
  EXPECT_EQ(request.stream->reply_status, 401u);
  EXPECT_EQ(request.stream->reply_details, "no_credential_for_basic_auth");
  EXPECT_EQ(request.stream->ReplyField("www-authenticate"),
            "Basic realm=\"restricted\", charset=\"UTF-8\"");
  EXPECT_EQ(World().counters["basic_auth.denied"], 1u);
}

TEST_F(BasicAuthTest, ASlowHashIsLookedAtElsewhereWhileTheRequestWaits) {
  const FakeConfig config = Load(kUsers);
  Exchange request(config, kAnna);
  EXPECT_EQ(request.Headers(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(request.stream->resumes, 0);
  World().RunPosted();
  EXPECT_EQ(request.stream->resumes, 1);
  EXPECT_EQ(request.stream->local_replies, 0);
  EXPECT_EQ(request.stream->messages[WEIR_REQUEST].Values("authorization"), kAnna);
  EXPECT_EQ(World().counters["basic_auth.allowed"], 1u);
}

TEST_F(BasicAuthTest, AWrongPasswordAndAnUnknownUserAreDeniedInTheSameWay) {
  const FakeConfig config = Load(kUsers);
  for (const char* field : {kWrong, kNobody}) {
    Exchange request(config, field);
    EXPECT_EQ(request.Headers(), WEIR_STOP_ALL_WATERMARK) << "an unknown user is hashed as well";
    World().RunPosted();
    EXPECT_EQ(request.stream->resumes, 0);
    EXPECT_EQ(request.stream->reply_status, 401u);
    EXPECT_EQ(request.stream->reply_details, "invalid_credential_for_basic_auth");
  }
}

TEST_F(BasicAuthTest, ARequestWhoseAnswerHasNoRoomFailsAndDoesNotWaitForEver) {
  const FakeConfig config = Load(kUsers);
  Exchange late(config, kWrong);
  EXPECT_EQ(late.Headers(), WEIR_STOP_ALL_WATERMARK);
  late.stream->failure = WEIR_NO_ROOM;
  World().RunPosted();
  EXPECT_EQ(late.stream->resets, 1);
  Exchange at_once(config, "");
  at_once.stream->failure = WEIR_NO_ROOM;
  EXPECT_LT(at_once.Headers(), 0);
}

TEST_F(BasicAuthTest, AQuickHashAmongSlowOnesTakesTheirWay) {
  const FakeConfig config = Load(kUsers);
  Exchange request(config, kDora);
  EXPECT_EQ(request.Headers(), WEIR_STOP_ALL_WATERMARK);
  World().RunPosted();
  EXPECT_EQ(request.stream->resumes, 1);
}

TEST_F(BasicAuthTest, QuickHashesAloneNeedNoOtherThread) {
  const FakeConfig config = Load(kShaOnly);
  Exchange right(config, kDora);
  EXPECT_EQ(right.Headers(), WEIR_CONTINUE);
  Exchange wrong(config, "Basic ZG9yYTp3cm9uZw==");
  EXPECT_EQ(wrong.Headers(), WEIR_STOP_ALL);
  EXPECT_EQ(wrong.stream->reply_status, 401u);
  Exchange nobody(config, kNobody);
  EXPECT_EQ(nobody.Headers(), WEIR_STOP_ALL);
}

TEST_F(BasicAuthTest, WhatWasRightIsRememberedForItsTime) {
  const FakeConfig config = Load(std::string(kUsers) + "cache: {ttl: 10s}\n");
  ASSERT_TRUE(config.ok()) << config.errors();
  Exchange first(config, kAnna);
  first.Headers();
  World().RunPosted();
  Exchange second(config, kAnna);
  EXPECT_EQ(second.Headers(), WEIR_CONTINUE);
  EXPECT_EQ(World().counters["basic_auth.cached"], 1u);
  World().Advance(10000);
  Exchange late(config, kAnna);
  EXPECT_EQ(late.Headers(), WEIR_STOP_ALL_WATERMARK);
}

TEST_F(BasicAuthTest, WhatWasWrongIsNotRemembered) {
  const FakeConfig config = Load(kUsers);
  for (int i = 0; i < 2; ++i) {
    Exchange request(config, kWrong);
    EXPECT_EQ(request.Headers(), WEIR_STOP_ALL_WATERMARK);
    World().RunPosted();
    EXPECT_EQ(request.stream->reply_status, 401u);
  }
}

TEST_F(BasicAuthTest, TheQueueIsBoundedAndItsPlacesComeBack) {
  const FakeConfig config = Load(std::string(kUsers) + "max_pending_requests: 2\n");
  ASSERT_TRUE(config.ok()) << config.errors();
  Exchange one(config, kAnna), two(config, kWrong), three(config, kAnna);
  EXPECT_EQ(one.Headers(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(two.Headers(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(three.Headers(), WEIR_STOP_ALL);
  EXPECT_EQ(three.stream->reply_status, 503u);
  EXPECT_EQ(three.stream->ReplyField("retry-after"), "1");
  EXPECT_EQ(World().counters["basic_auth.overloaded"], 1u);
  // One of the waiting clients goes; its place comes back all the same.
  two.End();
  World().RunPosted();
  Exchange four(config, kWrong), five(config, kWrong);
  EXPECT_EQ(four.Headers(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(five.Headers(), WEIR_STOP_ALL_WATERMARK);
}

TEST_F(BasicAuthTest, AHostWithoutRoomMeans503) {
  const FakeConfig config = Load(kUsers);
  World().full = true;
  for (int i = 0; i < 100; ++i) {
    Exchange request(config, kAnna);
    EXPECT_EQ(request.Headers(), WEIR_STOP_ALL);
    EXPECT_EQ(request.stream->reply_status, 503u);
  }
  World().full = false;
  Exchange request(config, kAnna);
  EXPECT_EQ(request.Headers(), WEIR_STOP_ALL_WATERMARK);
}

TEST_F(BasicAuthTest, TheNameGoesToTheBackendAndNoClientCanSayIt) {
  const FakeConfig config = Load(std::string(kShaOnly) + "forward_username_header: X-User\n");
  Exchange request(config, kDora);
  request.fields().emplace_back("x-user", "root");
  EXPECT_EQ(request.Headers(), WEIR_CONTINUE);
  EXPECT_EQ(request.stream->messages[WEIR_REQUEST].Values("x-user"), "dora");
}

TEST_F(BasicAuthTest, WhereTheyMayBeMissingTheNameIsTakenAway) {
  const FakeConfig config =
      Load(std::string(kShaOnly) + "forward_username_header: x-user\nallow_missing: true\n");
  Exchange request(config, "");
  request.fields().emplace_back("x-user", "root");
  EXPECT_EQ(request.Headers(), WEIR_CONTINUE);
  EXPECT_EQ(request.stream->messages[WEIR_REQUEST].Values("x-user"), "(none)");
  Exchange wrong(config, kAnna);
  EXPECT_EQ(wrong.Headers(), WEIR_STOP_ALL);
}

TEST_F(BasicAuthTest, CredentialsAreTakenAwayWhereThatIsWanted) {
  const FakeConfig config = Load(std::string(kShaOnly) + "hide_credentials: true\n");
  Exchange request(config, kDora);
  EXPECT_EQ(request.Headers(), WEIR_CONTINUE);
  EXPECT_EQ(request.stream->messages[WEIR_REQUEST].Values("authorization"), "(none)");
}

TEST_F(BasicAuthTest, AnotherFieldMayHoldThem) {
  const FakeConfig config = Load(std::string(kShaOnly) + "authentication_header: X-Login\n");
  Exchange request(config, kDora, "x-login");
  EXPECT_EQ(request.Headers(), WEIR_CONTINUE);
  Exchange other(config, kDora);
  EXPECT_EQ(other.Headers(), WEIR_STOP_ALL);
}

TEST_F(BasicAuthTest, OtherSchemesBadFormsAndSecondFieldsAreToldApart) {
  const FakeConfig config = Load(kShaOnly);
  const std::pair<const char*, const char*> cases[] = {
      {"Bearer abc", "invalid_scheme_for_basic_auth"},
      {"Basic !!!!", "invalid_format_for_basic_auth"}};
  for (const auto& [field, details] : cases) {
    Exchange request(config, field);
    EXPECT_EQ(request.Headers(), WEIR_STOP_ALL);
    EXPECT_EQ(request.stream->reply_details, details);
  }
  Exchange two(config, kDora);
  two.fields().emplace_back("authorization", kDora);
  EXPECT_EQ(two.Headers(), WEIR_STOP_ALL);
  EXPECT_EQ(two.stream->reply_details, "invalid_format_for_basic_auth");
}

TEST_F(BasicAuthTest, ARouteHasUsersOfItsOwnWithAMemoryOfItsOwn) {
  const FakeConfig config = Load(kUsers);
  const FakeConfig route = Load(
      "users: {inline_string: "
      "\"bob:$2y$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza\"}",
      true);
  ASSERT_TRUE(route.ok()) << route.errors();
  Exchange elsewhere(config, kAnna);
  elsewhere.Headers();
  World().RunPosted();
  EXPECT_EQ(elsewhere.stream->resumes, 1);
  Exchange request(config, kAnna);
  request.stream->route_config = route.get();
  EXPECT_EQ(request.Headers(), WEIR_STOP_ALL_WATERMARK) << "anna is remembered, but not here";
  World().RunPosted();
  EXPECT_EQ(request.stream->reply_status, 401u);
  Exchange bob(config, "Basic Ym9iOnNlY3JldA==");
  bob.stream->route_config = route.get();
  bob.Headers();
  World().RunPosted();
  EXPECT_EQ(bob.stream->resumes, 1);
}

TEST_F(BasicAuthTest, AMessageThatCannotBeChangedFailsClosed) {
  const FakeConfig config = Load(std::string(kShaOnly) + "forward_username_header: x-user\n");
  Exchange request(config, kDora);
  request.stream->failure = WEIR_NO_ROOM;
  EXPECT_EQ(request.Headers(), WEIR_ERROR);
}

TEST_F(BasicAuthTest, UsersMayBeInAFile) {
  const std::string path = ::testing::TempDir() + "weir-basic-auth-users";
  std::ofstream(path) << "dora:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\r\n";
  const FakeConfig config = Load("users: {filename: " + path + "}");
  ASSERT_TRUE(config.ok()) << config.errors();
  Exchange request(config, kDora);
  EXPECT_EQ(request.Headers(), WEIR_CONTINUE);
}

TEST_F(BasicAuthTest, MistakesAreNamedAndNoHashIsShown) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "needs users"},
      {"users: {}", "one of inline_string and filename"},
      {"users: {inline_string: a, filename: b}", "one of inline_string and filename"},
      {"users: {inline_bytes: YQ==}", "inline_bytes is not available"},
      {"users: {filename: /does/not/exist}", "cannot be opened"},
      {"users: {inline_string: \"\"}", "no user"},
      {"users: {inline_string: \"anna\"}", "line 1: expected name:hash"},
      {"users: {inline_string: \"a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\\nb:hunter2\"}",
       "line 2: user b: no hash that is known"},
      {"users: {inline_string: \"a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\\n"
       "a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\"}",
       "stands twice"},
      {"users: {inline_string: \"x:$apr1$1Pww6Lb3$VI0Ppqc49d.9PrbOZPdiy/\"}", "htpasswd -B"},
      {"{users: {inline_string: \"d:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\"}, realm: 'a\"b'}", "realm"},
      {"{users: {inline_string: \"d:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\"}, "
       "forward_username_header: host}",
       "framing field"},
      {"{users: {inline_string: \"d:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\"}, "
       "forward_username_header: authorization}",
       "are the same"},
  };
  for (const auto& [yaml, expected] : cases) {
    const FakeConfig config = Load(yaml);
    EXPECT_FALSE(config.ok()) << yaml;
    EXPECT_THAT(config.errors(), HasSubstr(expected)) << yaml;
    EXPECT_EQ(config.errors().find("hunter2"), std::string::npos);
  }
  EXPECT_FALSE(Load("{}", true).ok());
}

}  // namespace
}  // namespace weir::filters
