#include "plugins/sdk/http_filter.h"

#include <cstring>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "plugins/sdk/weir.hpp"

namespace weir::sdk {
namespace {

std::string logged;

const weir_host* Host() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = sizeof table;
    table.log = [](std::uint32_t, weir_view plugin, weir_view message) {
      logged = std::string(Text(plugin)) + ": " + std::string(Text(message));
    };
    return table;
  }();
  return &host;
}

class OneHook : public HttpFilter<OneHook> {
 public:
  Status OnRequestHeaders(bool end_stream) {
    if (end_stream) throw std::runtime_error("no body");
    return Status::kStop;
  }
};

class NoHook : public HttpFilter<NoHook> {};

class ThrowsWhenMade : public HttpFilter<ThrowsWhenMade> {
 public:
  ThrowsWhenMade() { throw 1; }
  void OnComplete() {}
};

class RefusesWhenMade : public HttpFilter<RefusesWhenMade> {
 public:
  ~RefusesWhenMade() { ++destroyed; }
  Status OnCreate() { return Status::kFail; }
  static int destroyed;
};
int RefusesWhenMade::destroyed = 0;

class ThrowsWhenCreated : public HttpFilter<ThrowsWhenCreated> {
 public:
  ~ThrowsWhenCreated() { ++destroyed; }
  Status OnCreate() { throw std::runtime_error("no luck"); }
  static int destroyed;
};
int ThrowsWhenCreated::destroyed = 0;

class AsksTooEarly : public HttpFilter<AsksTooEarly> {
 public:
  std::string_view name = host().name();
  void OnComplete() {}
};

struct Refused {
  bool Load(const ConfigLoad&) { return false; }
};
struct Throws {
  bool Load(const ConfigLoad&) { throw std::runtime_error("disk is full"); }
};
template <typename Config>
class Configured : public HttpFilter<Configured<Config>, Config> {};

constexpr char kName[] = "under_test";

// A filter's memory, and what the host does with it.
template <typename Filter>
struct Made {
  static constexpr weir_http_filter_api kApi = HttpFilterApi<Filter, kName>();
  Made() : config(kApi.config_new(Host(), nullptr, nullptr, 0)) {}
  ~Made() { kApi.config_free(config); }
  void* config;
  alignas(16) unsigned char self[sizeof(Filter)] = {};
};

TEST(SdkHttpFilterTest, AHookThatIsNotDefinedIsNull) {
  constexpr weir_http_filter_api api = HttpFilterApi<OneHook, kName>();
  EXPECT_NE(api.request_headers, nullptr);
  EXPECT_EQ(api.request_data, nullptr);
  EXPECT_EQ(api.request_trailers, nullptr);
  EXPECT_EQ(api.response_interim, nullptr);
  EXPECT_EQ(api.response_headers, nullptr);
  EXPECT_EQ(api.response_data, nullptr);
  EXPECT_EQ(api.response_trailers, nullptr);
  EXPECT_EQ(api.complete, nullptr);
  EXPECT_EQ(api.state_size, sizeof(OneHook));
}

TEST(SdkHttpFilterTest, AFilterThatDefinesNothingIsInNoStream) {
  constexpr weir_http_filter_api api = HttpFilterApi<NoHook, kName>();
  EXPECT_NE(api.config_new, nullptr);
  EXPECT_EQ(api.create, nullptr);
  EXPECT_EQ(api.destroy, nullptr);
  EXPECT_EQ(api.state_size, 0u);
}

TEST(SdkHttpFilterTest, AHooksAnswerIsTheHosts) {
  Made<OneHook> made;
  ASSERT_EQ(made.kApi.create(made.self, made.config, nullptr), WEIR_OK);
  EXPECT_EQ(made.kApi.request_headers(made.self, nullptr, 0), WEIR_STOP);
  made.kApi.destroy(made.self);
}

TEST(SdkHttpFilterTest, AnExceptionFailsTheRequestAndIsLoggedWithTheName) {
  Made<OneHook> made;
  ASSERT_EQ(made.kApi.create(made.self, made.config, nullptr), WEIR_OK);
  EXPECT_EQ(made.kApi.request_headers(made.self, nullptr, 1), WEIR_ERROR);
  EXPECT_EQ(logged, "under_test: request_headers has thrown: no body");
  made.kApi.destroy(made.self);
}

TEST(SdkHttpFilterTest, AConstructorThatThrowsFailsTheRequest) {
  Made<ThrowsWhenMade> made;
  EXPECT_EQ(made.kApi.create(made.self, made.config, nullptr), WEIR_ERROR);
  EXPECT_EQ(logged, "under_test: a hook has thrown what is no std::exception");
}

TEST(SdkHttpFilterTest, AFilterThatRefusesItselfIsDestroyedOnce) {
  Made<RefusesWhenMade> made;
  RefusesWhenMade::destroyed = 0;
  EXPECT_EQ(made.kApi.create(made.self, made.config, nullptr), WEIR_ERROR);
  EXPECT_EQ(RefusesWhenMade::destroyed, 1);
}

// What it holds (a timer, a call-out) would outlive it.
TEST(SdkHttpFilterTest, AFilterWhoseOnCreateThrowsIsDestroyedOnce) {
  Made<ThrowsWhenCreated> made;
  ThrowsWhenCreated::destroyed = 0;
  EXPECT_EQ(made.kApi.create(made.self, made.config, nullptr), WEIR_ERROR);
  EXPECT_EQ(ThrowsWhenCreated::destroyed, 1);
  EXPECT_EQ(logged, "under_test: create has thrown: no luck");
}

TEST(SdkHttpFilterTest, AConstructorThatAsksForTheHostFailsTheRequest) {
  Made<AsksTooEarly> made;
  EXPECT_EQ(made.kApi.create(made.self, made.config, nullptr), WEIR_ERROR);
  EXPECT_EQ(
      logged,
      "under_test: create has thrown: a filter's constructor used what it has from OnCreate on");
}

TEST(SdkHttpFilterTest, AConfigurationIsRefusedByFalseAndByAnException) {
  EXPECT_EQ((HttpFilterApi<Configured<Refused>, kName>().config_new(Host(), nullptr, nullptr, 0)),
            nullptr);
  logged.clear();
  EXPECT_EQ((HttpFilterApi<Configured<Throws>, kName>().config_new(Host(), nullptr, nullptr, 0)),
            nullptr);
  EXPECT_EQ(logged, "under_test: the configuration has thrown: disk is full");
}

}  // namespace
}  // namespace weir::sdk
