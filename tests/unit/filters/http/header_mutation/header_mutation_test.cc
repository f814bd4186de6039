#include "filters/http/header_mutation/header_mutation.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_filter.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeFilter;
using kit::FakeHttpStream;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

FakeConfig Load(const std::string& yaml) {
  return FakeConfig::Http(kHeaderMutationApi, yaml);
}

// A configuration of one mutation of requests.
FakeConfig LoadOne(const std::string& mutation) {
  return Load("mutations:\n  request_mutations:\n  - " + mutation + "\n");
}

void Request(const FakeConfig& config, FakeHttpStream* stream) {
  ASSERT_TRUE(config.ok()) << config.errors();
  EXPECT_EQ(FakeFilter(kHeaderMutationApi, config, stream).RequestHeaders(true), WEIR_CONTINUE);
}

TEST(HeaderMutationTest, AppendsBesideWhatIsThere) {
  const FakeConfig config = LoadOne("append: {header: {key: X-A, value: new}}");
  FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = {{"x-a", "old"}};
  Request(config, &stream);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].Values("x-a"), "old|new");
}

TEST(HeaderMutationTest, AddsIfAbsent) {
  const FakeConfig config =
      LoadOne("append: {header: {key: x-a, value: new}, append_action: ADD_IF_ABSENT}");
  FakeHttpStream with;
  with.messages[WEIR_REQUEST].fields = {{"x-a", "old"}};
  Request(config, &with);
  EXPECT_EQ(with.messages[WEIR_REQUEST].Values("x-a"), "old");
  FakeHttpStream without;
  Request(config, &without);
  EXPECT_EQ(without.messages[WEIR_REQUEST].Values("x-a"), "new");
}

TEST(HeaderMutationTest, OverwritesAllOfTheName) {
  const FakeConfig config = LoadOne(
      "append: {header: {key: x-a, value: new}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}");
  FakeHttpStream with;
  with.messages[WEIR_REQUEST].fields = {{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}};
  Request(config, &with);
  EXPECT_EQ(with.messages[WEIR_REQUEST].Values("x-a"), "new");
  EXPECT_EQ(with.messages[WEIR_REQUEST].Values("x-b"), "2");
  FakeHttpStream without;
  Request(config, &without);
  EXPECT_EQ(without.messages[WEIR_REQUEST].Values("x-a"), "new");
}

TEST(HeaderMutationTest, OverwritesOnlyWhatExists) {
  const FakeConfig config =
      LoadOne("append: {header: {key: x-a, value: new}, append_action: OVERWRITE_IF_EXISTS}");
  FakeHttpStream with;
  with.messages[WEIR_REQUEST].fields = {{"x-a", "old"}};
  Request(config, &with);
  EXPECT_EQ(with.messages[WEIR_REQUEST].Values("x-a"), "new");
  FakeHttpStream without;
  Request(config, &without);
  EXPECT_EQ(without.messages[WEIR_REQUEST].Values("x-a"), "(none)");
}

TEST(HeaderMutationTest, TheOlderAppendWordIsUnderstood) {
  const FakeConfig config = LoadOne("append: {header: {key: x-a, value: new}, append: false}");
  FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = {{"x-a", "old"}};
  Request(config, &stream);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].Values("x-a"), "new");
}

TEST(HeaderMutationTest, RemovesEveryFieldOfTheName) {
  const FakeConfig config = LoadOne("remove: X-A");
  FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = {{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}};
  Request(config, &stream);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].fields.size(), 1u);
}

TEST(HeaderMutationTest, MutationsApplyInFileOrder) {
  const FakeConfig config = Load(R"(
mutations:
  request_mutations:
  - append: {header: {key: x-a, value: first}}
  - remove: x-a
  - append: {header: {key: x-a, value: second}}
)");
  FakeHttpStream stream;
  Request(config, &stream);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].Values("x-a"), "second");
}

TEST(HeaderMutationTest, EachMessageHasItsOwnList) {
  const FakeConfig config = Load(R"(
mutations:
  request_mutations: [{append: {header: {key: x-m, value: request}}}]
  response_mutations: [{append: {header: {key: x-m, value: response}}}]
  request_trailers_mutations: [{append: {header: {key: x-m, value: request-trailers}}}]
  response_trailers_mutations: [{append: {header: {key: x-m, value: response-trailers}}}]
)");
  ASSERT_TRUE(config.ok()) << config.errors();
  FakeHttpStream stream;
  FakeFilter filter(kHeaderMutationApi, config, &stream);
  EXPECT_EQ(filter.RequestHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(filter.RequestTrailers(), WEIR_CONTINUE);
  EXPECT_EQ(filter.ResponseHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(filter.ResponseTrailers(), WEIR_CONTINUE);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].Values("x-m"), "request");
  EXPECT_EQ(stream.messages[WEIR_RESPONSE].Values("x-m"), "response");
  EXPECT_EQ(stream.messages[WEIR_REQUEST_TRAILERS].Values("x-m"), "request-trailers");
  EXPECT_EQ(stream.messages[WEIR_RESPONSE_TRAILERS].Values("x-m"), "response-trailers");
}

// A local reply has no request behind it: the response's hook may be the only one.
TEST(HeaderMutationTest, HooksDependOnNoOrder) {
  const FakeConfig config =
      Load("mutations: {response_mutations: [{append: {header: {key: x-m, value: v}}}]}");
  ASSERT_TRUE(config.ok()) << config.errors();
  FakeHttpStream stream;
  FakeFilter filter(kHeaderMutationApi, config, &stream);
  EXPECT_EQ(filter.ResponseHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(filter.RequestTrailers(), WEIR_CONTINUE);
  EXPECT_EQ(filter.RequestHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(stream.messages[WEIR_RESPONSE].Values("x-m"), "v");
  EXPECT_EQ(stream.messages[WEIR_REQUEST].fields.size(), 0u);
}

TEST(HeaderMutationTest, TheRoutesMutationsComeAfterTheFilters) {
  const FakeConfig base = LoadOne("append: {header: {key: x-a, value: filter}}");
  const FakeConfig route = FakeConfig::Http(
      kHeaderMutationApi,
      "mutations: {request_mutations: [{append: {header: {key: x-a, value: route}}}]}",
      /*per_route=*/true);
  ASSERT_TRUE(route.ok()) << route.errors();
  FakeHttpStream stream;
  stream.route_config = route.get();
  Request(base, &stream);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].Values("x-a"), "filter|route");
}

TEST(HeaderMutationTest, TwoPercentSignsAreOne) {
  const FakeConfig config = LoadOne("append: {header: {key: x-a, value: '100%% of 5%%'}}");
  FakeHttpStream stream;
  Request(config, &stream);
  EXPECT_EQ(stream.messages[WEIR_REQUEST].Values("x-a"), "100% of 5%");
}

TEST(HeaderMutationTest, AnEmptyValueIsDroppedUnlessKept) {
  const FakeConfig dropped = LoadOne("append: {header: {key: x-a, value: ''}}");
  FakeHttpStream first;
  Request(dropped, &first);
  EXPECT_EQ(first.messages[WEIR_REQUEST].Values("x-a"), "(none)");
  const FakeConfig kept = LoadOne("append: {header: {key: x-a}, keep_empty_value: true}");
  FakeHttpStream second;
  Request(kept, &second);
  EXPECT_EQ(second.messages[WEIR_REQUEST].Values("x-a"), "");
}

TEST(HeaderMutationTest, ARefusalOfTheHostFailsClosed) {
  const FakeConfig config = LoadOne("append: {header: {key: x-a, value: v}}");
  ASSERT_TRUE(config.ok()) << config.errors();
  FakeHttpStream stream;
  stream.failure = WEIR_NO_ROOM;
  EXPECT_LT(FakeFilter(kHeaderMutationApi, config, &stream).RequestHeaders(true), 0);
}

TEST(HeaderMutationTest, RemovesFieldsWhoseNamesMatch) {
  const FakeConfig config = LoadOne("remove_on_match: {key_matcher: {prefix: X-Internal-}}");
  FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = {
      {"x-internal-a", "1"}, {"x-b", "2"}, {"x-internal-c", "3"}, {"x-internal-a", "4"}};
  Request(config, &stream);
  EXPECT_THAT(stream.messages[WEIR_REQUEST].fields, ElementsAre(Pair("x-b", "2")));
  // Framing is no field: a pattern that is as wide as can be leaves it alone, and does not fail.
  const FakeConfig all = LoadOne("remove_on_match: {key_matcher: {safe_regex: {regex: '.*'}}}");
  stream.messages[WEIR_REQUEST].fields = {{"content-length", "3"}, {"x-b", "2"}};
  Request(all, &stream);
  EXPECT_THAT(stream.messages[WEIR_REQUEST].fields, ElementsAre(Pair("content-length", "3")));
}

std::string PathAfter(const std::string& mutation, const std::string& path) {
  const FakeConfig config =
      Load("mutations:\n  query_parameter_mutations:\n  - " + mutation + "\n");
  FakeHttpStream stream;
  stream.SetStart(":path", path);
  Request(config, &stream);
  return stream.start[1].second;
}

TEST(HeaderMutationTest, ParametersOfTheQueryAreAddedAndRemoved) {
  const std::string append = "append: {record: {key: a, value: 'x y&1'}, action: ";
  EXPECT_EQ(PathAfter("append: {record: {key: a, value: b}}", "/"), "/?a=b");
  EXPECT_EQ(PathAfter(append + "APPEND_IF_EXISTS_OR_ADD}", "/p?a=1"), "/p?a=1&a=x%20y%261");
  EXPECT_EQ(PathAfter(append + "ADD_IF_ABSENT}", "/p?a=1"), "/p?a=1");
  EXPECT_EQ(PathAfter(append + "ADD_IF_ABSENT}", "/p?b"), "/p?b&a=x%20y%261");
  EXPECT_EQ(PathAfter(append + "OVERWRITE_IF_EXISTS_OR_ADD}", "/p?a=1&b=2&a=3"),
            "/p?a=x%20y%261&b=2");
  EXPECT_EQ(PathAfter(append + "OVERWRITE_IF_EXISTS_OR_ADD}", "/p"), "/p?a=x%20y%261");
  EXPECT_EQ(PathAfter(append + "OVERWRITE_IF_EXISTS}", "/p?b=2"), "/p?b=2");
  EXPECT_EQ(PathAfter(append + "OVERWRITE_IF_EXISTS}", "/p?b=2&a"), "/p?b=2&a=x%20y%261");
  EXPECT_EQ(PathAfter("remove: a", "/p?a=1"), "/p");
  EXPECT_EQ(PathAfter("remove: a", "/p?a&b=%41&aa=1&a="), "/p?b=%41&aa=1");
}

TEST(HeaderMutationTest, ParametersAreFoundUnderAnyEncoding) {
  EXPECT_EQ(PathAfter("remove: 'a b'", "/p?a%20b=1&c=2&a+b=3&%61%20b"), "/p?c=2");
  EXPECT_EQ(PathAfter("remove: a", "/p?%6=1&%zz&%&a%"), "/p?%6=1&%zz&%&a%");
}

struct Mistake {
  const char* mutation;
  const char* error;
};

// The column is that of the value in "  - <mutation>" on line 3.
TEST(HeaderMutationTest, MistakesAreNamedAtTheirPlace) {
  const Mistake mistakes[] = {
      {"remove: Content-Length", "3:13: the filter: \"content-length\" is a framing field"},
      {"remove: host", "3:13: the filter: \"host\" is a framing field"},
      {"append: {header: {key: transfer-encoding, value: chunked}}",
       "3:28: the filter: \"transfer-encoding\" is a framing field"},
      {"remove: ':path'", "3:13: the filter: \":path\" is a pseudo field"},
      {"remove: 'a b'", "3:13: the filter: \"a b\" is no field name"},
      {"remove: ''", "3:13: the filter: \"\" is no field name"},
      {"append: {header: {key: x, value: \"a\\nb\"}}", "3:38: the filter: the value has a byte"},
      {"append: {header: {key: x, value: \"a\\0b\"}}", "3:38: the filter: the value has a byte"},
      {"append: {header: {key: x, value: ' a'}}", "or a blank at an end"},
      {"append: {header: {key: x, value: '%DOWNSTREAM_REMOTE_ADDRESS%'}}",
       "3:38: the filter: the operator %DOWNSTREAM_REMOTE_ADDRESS% is not available"},
      {"append: {header: {key: x, value: '50%'}}", "a single % stands in a value"},
      {"append: {header: {key: x, raw_value: aGk=}}", "raw_value is not available"},
      {"append: {header: {value: v}}", "header needs a key"},
      {"append: {}", "append needs header"},
      {"append: {header: {key: x, value: v}, append_action: SOMETIMES}",
       "\"SOMETIMES\" is none of APPEND_IF_EXISTS_OR_ADD, ADD_IF_ABSENT"},
      {"append: {header: {key: x, value: v}, apend_action: ADD_IF_ABSENT}", "apend_action"},
      {"{append: {header: {key: x, value: v}}, remove: y}", "not both"},
      {"{}", "a mutation needs remove or append"},
      {"remove_on_match: {}", "remove_on_match needs key_matcher"},
      {"text", "a mutation must be a mapping"},
  };
  for (const Mistake& mistake : mistakes) {
    const FakeConfig config = LoadOne(mistake.mutation);
    EXPECT_FALSE(config.ok()) << mistake.mutation;
    EXPECT_THAT(config.errors(), HasSubstr(mistake.error)) << mistake.mutation;
  }
}

TEST(HeaderMutationTest, AllMistakesAreShownAtOnce) {
  const FakeConfig config = Load(R"(
mutations:
  request_mutations:
  - remove: host
  - remove: te
  response_mutations:
  - remove: upgrade
)");
  EXPECT_THAT(config.errors(), HasSubstr("\"host\""));
  EXPECT_THAT(config.errors(), HasSubstr("\"te\""));
  EXPECT_THAT(config.errors(), HasSubstr("\"upgrade\""));
}

TEST(HeaderMutationTest, WhatIsMissingIsSaid) {
  EXPECT_THAT(Load("").errors(), HasSubstr("1:1: the filter: header_mutation needs mutations"));
  EXPECT_THAT(Load("{}").errors(), HasSubstr("header_mutation needs mutations"));
  EXPECT_THAT(Load("[]").errors(), HasSubstr("header_mutation must be a mapping"));
  EXPECT_THAT(Load("mutations: 5").errors(), HasSubstr("mutations must be a mapping"));
  EXPECT_THAT(Load("mutations: {request_mutations: 5}").errors(),
              HasSubstr("request_mutations must be a list"));
  EXPECT_THAT(Load("mutations: {query_parameter_mutations: 5}").errors(),
              HasSubstr("query_parameter_mutations must be a list"));
  EXPECT_THAT(Load("{mutations: {}, most_specific_header_mutations_wins: true}").errors(),
              HasSubstr("is not available"));
}

TEST(HeaderMutationTest, HugeInputsAreRefused) {
  EXPECT_THAT(LoadOne("remove: " + std::string(70000, 'a')).errors(), HasSubstr("longer than"));
  EXPECT_THAT(
      LoadOne("append: {header: {key: x, value: " + std::string(16385, 'v') + "}}").errors(),
      HasSubstr("more than 16384 bytes"));
  std::string many = "mutations:\n  request_mutations:\n";
  for (int i = 0; i < 1001; ++i) many += "  - remove: x\n";
  EXPECT_THAT(Load(many).errors(), HasSubstr("more than 1000 entries"));
}

}  // namespace
}  // namespace weir::filters
