// Timers, call-outs and posted calls of the SDK.

#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"
#include "plugins/sdk/weir.hpp"

namespace weir::sdk {
namespace {

constexpr char kName[] = "under_test";

class SdkLateCallsTest : public testing::Test {
 protected:
  void SetUp() override { kit::World().Clear(); }
  void TearDown() override {
    EXPECT_EQ(kit::World().timers(), 0u);
    kit::World().Clear();
  }
  Host host_{kit::FakeHost(), kName};
};

TEST_F(SdkLateCallsTest, WhatATimersFunctionKeepsIsThereWhenItFiresAgain) {
  int seen = 0;
  Timer timer(host_, [&seen, fired = 0]() mutable { seen = ++fired; });
  for (int i = 1; i <= 3; ++i) {
    timer.Set(10);
    kit::World().Advance(10);
    EXPECT_EQ(seen, i);
  }
}

TEST_F(SdkLateCallsTest, ATimerMayBeDestroyedFromItsOwnFunction) {
  std::optional<Timer> timer;
  auto alive = std::make_shared<int>(7);
  int seen = 0;
  timer.emplace(host_, [&timer, &seen, kept = alive] {
    timer.reset();
    seen = *kept;
  });
  timer->Set(1);
  kit::World().Advance(1);
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(SdkLateCallsTest, AHostWithoutCalloutsStartsNone) {
  weir_host table = *kit::FakeHost();
  table.struct_size = offsetof(weir_host, callout);
  Callout callout;
  EXPECT_FALSE(callout.Start(Host(&table, kName), {.cluster = "c"}, [](CalloutResponse&&) {}));
  EXPECT_FALSE(callout.running());
}

class Late : public HttpFilter<Late> {
 public:
  Status OnRequestHeaders(bool) {
    const bool started =
        callout_.Start(host(), {.cluster = "c"}, Guard([this](CalloutResponse&& answer) {
                         if (answer.status != 200) throw std::runtime_error("no answer");
                         stream().Resume(WEIR_REQUEST);
                       }));
    return started ? Status::kStopAll : Status::kFail;
  }
  void OnComplete() {
    Offload([] {}, [](Late&) { throw std::runtime_error("too late"); });
  }

 private:
  Callout callout_;
};

class SdkLateFilterTest : public SdkLateCallsTest {
 protected:
  static constexpr weir_http_filter_api kApi = HttpFilterApi<Late, kName>();
  SdkLateFilterTest() : config_(kApi.config_new(kit::FakeHost(), kit::FakeHttpApi(), nullptr, 0)) {
    EXPECT_EQ(kApi.create(self_, config_, stream_.handle()), WEIR_OK);
  }
  ~SdkLateFilterTest() override {
    kApi.destroy(self_);
    kApi.config_free(config_);
  }
  kit::FakeHttpStream stream_;
  void* config_;
  alignas(16) unsigned char self_[sizeof(Late)] = {};
};

TEST_F(SdkLateFilterTest, AnExceptionThatLeavesAGuardedFunctionFailsTheRequest) {
  ASSERT_EQ(kApi.request_headers(self_, stream_.handle(), 1), WEIR_STOP_ALL);
  kit::World().callout()->Answer(503);
  EXPECT_EQ(stream_.local_replies, 1);
  EXPECT_EQ(stream_.reply_status, 500u);
  EXPECT_EQ(stream_.resumes, 0);
}

TEST_F(SdkLateFilterTest, AGuardedFunctionThatReturnsIsNotDisturbed) {
  ASSERT_EQ(kApi.request_headers(self_, stream_.handle(), 1), WEIR_STOP_ALL);
  kit::World().callout()->Answer(200);
  EXPECT_EQ(stream_.local_replies, 0);
  EXPECT_EQ(stream_.resumes, 1);
}

TEST_F(SdkLateFilterTest, AnExceptionThatLeavesAPostedCallFailsTheRequest) {
  kApi.complete(self_, stream_.handle());
  EXPECT_GE(kit::World().RunPosted(), 1u);
  EXPECT_EQ(stream_.reply_status, 500u);
}

class LateNetwork : public NetworkFilter<LateNetwork> {
 public:
  Status OnNewConnection() {
    remote_.emplace(remote());
    return Status::kStop;
  }
  Status OnData(bool) {
    Offload([this] { worked_ = true; }, [](LateNetwork& filter) { filter.Done(); });
    return Status::kStop;
  }
  void OnDrain() {
    Offload([] {}, [](LateNetwork&) { throw std::runtime_error("too late"); });
  }
  void OnWritable() {
    timer_.emplace(host(), Guard([] { throw std::runtime_error("a timer's"); }));
    timer_->Set(1);
  }
  void Done() { connection().Write(worked_ ? "worked" : "not yet"); }

  std::optional<Remote> remote_;

 private:
  std::optional<Timer> timer_;
  bool worked_ = false;
};

class SdkLateNetworkTest : public SdkLateCallsTest {
 protected:
  static constexpr weir_network_filter_api kApi = NetworkFilterApi<LateNetwork, kName>();
  SdkLateNetworkTest() : config_(kApi.config_new(kit::FakeHost(), kit::FakeNetworkApi(), nullptr)) {
    EXPECT_EQ(kApi.create(self_, config_, connection_.handle()), WEIR_OK);
    EXPECT_EQ(kApi.new_connection(self_, connection_.handle()), WEIR_STOP);
  }
  ~SdkLateNetworkTest() override { kApi.config_free(config_); }
  void TearDown() override {
    End();
    SdkLateCallsTest::TearDown();
  }
  void End() {
    if (ended_) return;
    ended_ = true;
    connection_.End();
    kApi.destroy(self_);
  }
  LateNetwork& filter() { return *std::launder(reinterpret_cast<LateNetwork*>(self_)); }

  kit::FakeConnection connection_;
  void* config_;
  bool ended_ = false;
  alignas(16) unsigned char self_[sizeof(LateNetwork)] = {};
};

TEST_F(SdkLateNetworkTest, WorkIsDoneElsewhereAndItsEndOnTheConnection) {
  ASSERT_EQ(kApi.data(self_, connection_.handle(), 0), WEIR_STOP);
  EXPECT_EQ(connection_.written, "");
  EXPECT_EQ(kit::World().RunPosted(), 1u);
  EXPECT_EQ(connection_.written, "worked");
  EXPECT_FALSE(connection_.closed);
}

TEST_F(SdkLateNetworkTest, ARemoteCallFindsTheFilterAsLongAsItsConnectionLives) {
  const LateNetwork::Remote remote = *filter().remote_;
  const auto resume = [](LateNetwork& filter) { filter.connection().Resume(); };
  EXPECT_TRUE(remote.Post(resume));
  EXPECT_EQ(kit::World().RunPosted(), 1u);
  EXPECT_EQ(connection_.resumes, 1);
  EXPECT_TRUE(remote.Post(resume));
  End();
  EXPECT_EQ(kit::World().RunPosted(), 1u);
  EXPECT_EQ(connection_.resumes, 1);
}

TEST_F(SdkLateNetworkTest, AnExceptionThatLeavesALateCallResetsTheConnection) {
  kApi.drain(self_, connection_.handle());
  EXPECT_EQ(kit::World().RunPosted(), 1u);
  EXPECT_TRUE(connection_.closed);
  EXPECT_FALSE(connection_.flushed);
  connection_.closed = false;
  kApi.writable(self_, connection_.handle());
  kit::World().Advance(1);
  EXPECT_TRUE(connection_.closed);
}

}  // namespace
}  // namespace weir::sdk
