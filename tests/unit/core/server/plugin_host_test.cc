#include "core/server/plugin_host.h"

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/log.h"
#include "core/net/ticket.h"
#include "core/server/plugin_host_worker.h"

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

void Call(void* user) {
  (*static_cast<std::function<void()>*>(user))();
}

// A worker's thread with its loop.
class TestWorker {
 public:
  TestWorker(uint32_t id, observe::StatRegistry* stats,
             std::vector<const weir_plugin_descriptor*> plugins = {})
      : plugins_(id, &loop_, stats->NewBlock(), std::move(plugins)), thread_([this] { Run(); }) {
    while (plugins_.thread() == 0) std::this_thread::yield();
  }
  ~TestWorker() { Stop(); }
  TestWorker(const TestWorker&) = delete;
  TestWorker& operator=(const TestWorker&) = delete;

  // Runs `work` on the worker and waits for it.
  void Do(const std::function<void()>& work) {
    std::atomic<bool> done{false};
    loop_.Post([&] {
      work();
      done = true;
    });
    while (!done) std::this_thread::yield();
  }
  // A ticket of a stream that is over.
  weir_ticket Ticket() {
    weir_ticket ticket{};
    Do([&ticket] { ticket = net::MakeTicket(4711, net::TicketKind::kStream, 0); });
    return ticket;
  }
  void Stop() {
    if (!thread_.joinable()) return;
    loop_.Stop();
    thread_.join();
  }
  net::EventLoop* loop() { return &loop_; }

 private:
  void Run() {
    plugins_.Enter();
    plugins_.StartPlugins();
    loop_.Run();
    plugins_.Leave();
    loop_.reactor()->RunTurn();
  }

  net::EventLoop loop_;
  PluginWorker plugins_;
  std::thread thread_;
};

class PluginHostTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { base::SetLogLevel(base::LogLevel::kOff); }

  uint64_t Stat(const std::string& name) {
    return stats_.Sum(stats_.Define(name, observe::StatKind::kCounter));
  }
  static void WaitFor(const std::function<bool()>& condition) {
    for (int i = 0; i < 60'000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(condition());
  }

  observe::StatRegistry stats_;
  PluginHost plugin_host_{{&stats_, 3, false}};
  const weir_host* host_ = plugin_host_.table();
};

TEST_F(PluginHostTest, TheTableHasEveryMemberThatItsSizeSays) {
  const auto* words = reinterpret_cast<void* const*>(host_);
  for (size_t at = 1; at < host_->struct_size / sizeof(void*); ++at)
    EXPECT_NE(words[at], nullptr) << at;
  EXPECT_TRUE(WEIR_HAS(host_, kv_remove));
}

TEST_F(PluginHostTest, DigestsAreThoseOfTheStandard) {
  uint8_t out[32];
  host_->sha256(reinterpret_cast<const uint8_t*>("abc"), 3, out);
  EXPECT_THAT(std::vector<uint8_t>(out, out + 4), ElementsAre(0xba, 0x78, 0x16, 0xbf));
  EXPECT_THAT(std::vector<uint8_t>(out + 28, out + 32), ElementsAre(0xf2, 0x00, 0x15, 0xad));
  host_->sha1(reinterpret_cast<const uint8_t*>("abc"), 3, out);
  EXPECT_THAT(std::vector<uint8_t>(out, out + 4), ElementsAre(0xa9, 0x99, 0x3e, 0x36));
}

TEST_F(PluginHostTest, LogEnabledFollowsTheLevel) {
  base::SetLogLevel(base::LogLevel::kWarn);
  EXPECT_EQ(host_->log_enabled(WEIR_LOG_INFO), 0u);
  EXPECT_EQ(host_->log_enabled(WEIR_LOG_WARN), 1u);
  EXPECT_EQ(host_->log_enabled(1000), 1u);
  base::SetLogLevel(base::LogLevel::kOff);
  EXPECT_EQ(host_->log_enabled(WEIR_LOG_ERROR), 0u);
}

TEST_F(PluginHostTest, WorkersAreNumberedAndOtherThreadsAreNone) {
  EXPECT_EQ(host_->workers(), 3u);
  EXPECT_EQ(host_->worker(), WEIR_NO_WORKER);
  EXPECT_EQ(host_->validating(), 0u);
  TestWorker worker(2, &stats_);
  worker.Do([this] { EXPECT_EQ(host_->worker(), 2u); });
}

TEST_F(PluginHostTest, NowIsTheClockOfTheTurn) {
  const int64_t before = host_->unix_ms();
  EXPECT_GT(before, 1'700'000'000'000);
  TestWorker worker(0, &stats_);
  worker.Do([&] { EXPECT_EQ(host_->now_ms(), worker.loop()->now_ms()); });
  EXPECT_GE(host_->unix_ms(), before);
}

TEST_F(PluginHostTest, StatsAreCountedByTheirKind) {
  const uint32_t counter = host_->counter(View("p.calls"));
  const uint32_t gauge = host_->gauge(View("p.open"));
  const uint32_t histogram = host_->histogram(View("p.time"));
  EXPECT_EQ(host_->counter(View("p.calls")), counter);
  EXPECT_EQ(host_->counter(View("")), 0u);
  EXPECT_EQ(host_->counter(View(std::string(257, 'x'))), 0u);
  TestWorker one(0, &stats_);
  TestWorker two(1, &stats_);
  one.Do([&] {
    host_->count(counter, 3);
    host_->gauge_add(gauge, 5);
    host_->record(histogram, 7);
  });
  two.Do([&] {
    host_->count(counter, 4);
    host_->gauge_add(gauge, -2);
    host_->record(histogram, 9);
    // Ids of other kinds and of nothing.
    host_->count(gauge, 100);
    host_->count(histogram, 100);
    host_->record(counter, 100);
    host_->gauge_add(counter, 100);
    for (const uint32_t id : {0u, 1u, 0xffffffffu, 0x1fffffffu, 0x3fffffffu}) {
      host_->count(id, 1);
      host_->gauge_add(id, 1);
      host_->record(id, 1);
    }
  });
  std::thread([&] { host_->count(counter, 100); }).join();
  EXPECT_EQ(Stat("plugin.p.calls"), 7u);
  EXPECT_EQ(Stat("plugin.p.open"), 3u);
  const auto totals =
      stats_.Histogram(stats_.Define("plugin.p.time", observe::StatKind::kHistogram));
  EXPECT_EQ(totals.count(), 2u);
  EXPECT_EQ(totals.sum, 16u);
}

// ---- Timers

TEST_F(PluginHostTest, TimersBelongToWorkers) {
  EXPECT_EQ(host_->timer_new(&Call, nullptr), nullptr);
  TestWorker worker(0, &stats_);
  worker.Do([this] { EXPECT_EQ(host_->timer_new(nullptr, nullptr), nullptr); });
  weir_timer* timer = nullptr;
  std::function<void()> never = [] { ADD_FAILURE(); };
  worker.Do([&] { timer = host_->timer_new(&Call, &never); });
  ASSERT_NE(timer, nullptr);
  // Another thread's call has no effect.
  host_->timer_set(timer, 0);
  host_->timer_free(timer);
  host_->timer_free(nullptr);
  worker.Do([&] { host_->timer_free(timer); });
}

TEST_F(PluginHostTest, ATimerFiresOnceWhenItIsDueOnItsWorker) {
  TestWorker worker(1, &stats_);
  std::atomic<int> fired{0};
  std::atomic<uint64_t> at{0};
  uint64_t set_at = 0;
  std::function<void()> hook = [&] {
    EXPECT_EQ(host_->worker(), 1u);
    at = host_->now_ms();
    ++fired;
  };
  weir_timer* timer = nullptr;
  worker.Do([&] {
    timer = host_->timer_new(&Call, &hook);
    set_at = host_->now_ms();
    host_->timer_set(timer, 30);
  });
  WaitFor([&] { return fired > 0; });
  EXPECT_GE(at, set_at + 30);
  worker.Do([&] { host_->timer_set(timer, 0); });
  WaitFor([&] { return fired > 1; });
  worker.Do([&] { host_->timer_free(timer); });
  EXPECT_EQ(fired, 2);
}

TEST_F(PluginHostTest, AFreedOrDisarmedTimerDoesNotFire) {
  TestWorker worker(0, &stats_);
  std::function<void()> never = [] { ADD_FAILURE(); };
  std::atomic<int> fired{0};
  std::function<void()> last = [&] { ++fired; };
  std::vector<weir_timer*> timers;
  worker.Do([&] {
    for (int i = 0; i < 4; ++i) timers.push_back(host_->timer_new(&Call, &never));
    for (weir_timer* timer : timers) host_->timer_set(timer, 1);
    host_->timer_set(timers[0], WEIR_TIMER_OFF);
    host_->timer_free(timers[1]);
    host_->timer_set(timers[2], WEIR_TIMER_OFF - 1);
    host_->timer_set(timers[3], 3'600'000);
    weir_timer* other = host_->timer_new(&Call, &last);
    host_->timer_set(other, 50);
  });
  WaitFor([&] { return fired > 0; });
  worker.Do([&] {
    for (const int i : {0, 2, 3}) host_->timer_free(timers[static_cast<size_t>(i)]);
  });
}

TEST_F(PluginHostTest, AHookMayFreeAndArmTimersItsOwnToo) {
  TestWorker worker(0, &stats_);
  std::atomic<bool> done{false};
  int fired = 0;
  weir_timer* self = nullptr;
  weir_timer* other = nullptr;
  std::function<void()> never = [] { ADD_FAILURE(); };
  std::function<void()> hook = [&] {
    if (++fired < 5) {
      host_->timer_set(self, 0);
      return;
    }
    host_->timer_free(other);  // due in the same turn
    host_->timer_free(self);
    done = true;
  };
  worker.Do([&] {
    self = host_->timer_new(&Call, &hook);
    other = host_->timer_new(&Call, &never);
    host_->timer_set(self, 0);
    host_->timer_set(other, 100'000);
  });
  WaitFor([&] { return done.load(); });
  worker.Do([] {});
  EXPECT_EQ(fired, 5);
}

TEST_F(PluginHostTest, TimersHaveALimit) {
  TestWorker worker(0, &stats_);
  std::function<void()> never = [] { ADD_FAILURE(); };
  worker.Do([&] {
    std::vector<weir_timer*> timers;
    while (weir_timer* timer = host_->timer_new(&Call, &never)) timers.push_back(timer);
    EXPECT_EQ(timers.size(), 65'536u);
    host_->timer_free(timers.back());
    timers.back() = host_->timer_new(&Call, &never);
    EXPECT_NE(timers.back(), nullptr);
    for (weir_timer* timer : timers) host_->timer_free(timer);
  });
}

TEST_F(PluginHostTest, TimersLeftBehindAreFreedWithAWarning) {
  std::function<void()> never = [] { ADD_FAILURE(); };
  base::SetLogLevel(base::LogLevel::kWarn);
  testing::internal::CaptureStderr();
  {
    TestWorker worker(0, &stats_);
    worker.Do([&] {
      host_->timer_set(host_->timer_new(&Call, &never), 60'000);
      host_->timer_new(&Call, &never);
    });
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("left 2 timers behind"));
  base::SetLogLevel(base::LogLevel::kOff);
}

// ---- Posts

struct Posted {
  std::atomic<int> runs{0};
  std::atomic<uint32_t> worker{WEIR_NO_WORKER};
  std::atomic<weir_stream*> stream{nullptr};
  const weir_host* host = nullptr;
};
void Note(void* user, weir_stream* stream) {
  auto* posted = static_cast<Posted*>(user);
  posted->worker = posted->host->worker();
  posted->stream = stream;
  ++posted->runs;
}

TEST_F(PluginHostTest, AHookPostedForAStreamThatIsOverRunsOnItsWorkerWithNull) {
  TestWorker one(0, &stats_);
  TestWorker two(1, &stats_);
  Posted posted;
  posted.host = host_;
  posted.stream = reinterpret_cast<weir_stream*>(1);
  const weir_ticket ticket = two.Ticket();
  EXPECT_EQ(host_->post(ticket, &Note, &posted), WEIR_OK);
  WaitFor([&] { return posted.runs == 1; });
  EXPECT_EQ(posted.worker, 1u);
  EXPECT_EQ(posted.stream, nullptr);
  one.Do([&] { EXPECT_EQ(host_->post(ticket, &Note, &posted), WEIR_OK); });
  WaitFor([&] { return posted.runs == 2; });
  EXPECT_EQ(posted.worker, 1u);
}

TEST_F(PluginHostTest, AHookNeverRunsInsideOfThePost) {
  TestWorker worker(0, &stats_);
  std::atomic<int> ran{0};
  std::function<void()> hook = [&] { ++ran; };
  worker.Do([&] {
    EXPECT_EQ(host_->post_worker(0, &Call, &hook), WEIR_OK);
    EXPECT_EQ(ran, 0);
  });
  WaitFor([&] { return ran == 1; });
}

TEST_F(PluginHostTest, WhatNamesNoWorkerIsRefused) {
  Posted posted;
  std::function<void()> never = [] { ADD_FAILURE(); };
  EXPECT_EQ(host_->post({{0, 0}}, &Note, &posted), WEIR_REFUSED);
  EXPECT_EQ(host_->post({{7, 7}}, &Note, &posted), WEIR_REFUSED);
  EXPECT_EQ(host_->post_worker(0, &Call, &never), WEIR_REFUSED);
  auto worker = std::make_unique<TestWorker>(0, &stats_);
  const weir_ticket ticket = worker->Ticket();
  EXPECT_EQ(host_->post(ticket, nullptr, nullptr), WEIR_REFUSED);
  EXPECT_EQ(host_->post_worker(0, nullptr, nullptr), WEIR_REFUSED);
  EXPECT_EQ(host_->post_worker(1, &Call, &never), WEIR_REFUSED);
  worker->Stop();
  EXPECT_EQ(host_->post(ticket, &Note, &posted), WEIR_REFUSED);
  EXPECT_EQ(host_->post_worker(0, &Call, &never), WEIR_REFUSED);
  worker.reset();
  EXPECT_EQ(host_->post(ticket, &Note, &posted), WEIR_REFUSED);
  EXPECT_EQ(posted.runs, 0);
}

TEST_F(PluginHostTest, PostsBeyondTheLimitHaveNoRoomAndDoNotRun) {
  TestWorker worker(0, &stats_);
  std::atomic<int> ran{0};
  std::function<void()> hook = [&] { ++ran; };
  worker.Do([&] {
    for (uint32_t i = 0; i < Mailbox::kMaxLetters; ++i)
      ASSERT_EQ(host_->post_worker(0, &Call, &hook), WEIR_OK);
    EXPECT_EQ(host_->post_worker(0, &Call, &hook), WEIR_NO_ROOM);
  });
  WaitFor([&] { return ran == 65'536; });
  worker.Do([&] { EXPECT_EQ(host_->post_worker(0, &Call, &hook), WEIR_OK); });
  WaitFor([&] { return ran == 65'537; });
}

TEST_F(PluginHostTest, EveryPostThatWasTakenRunsOnceWhateverTheWorkerDoes) {
  std::atomic<int> taken{0};
  std::atomic<int> ran{0};
  std::function<void()> hook = [&] { ++ran; };
  auto worker = std::make_unique<TestWorker>(0, &stats_);
  std::vector<std::thread> threads;
  std::atomic<bool> refused{false};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (true) {
        const int32_t status = host_->post_worker(0, &Call, &hook);
        if (status == WEIR_OK) ++taken;
        if (status == WEIR_REFUSED) break;
      }
      refused = true;
    });
  }
  WaitFor([&] { return ran > 1000; });
  worker->Stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(refused);
  EXPECT_EQ(taken, ran);
}

// ---- Helper threads

struct Job {
  const weir_host* host = nullptr;
  std::atomic<int> works{0};
  std::atomic<int> dones{0};
  std::atomic<bool> go{true};
  std::atomic<bool> begun{false};
};
void WorkOn(void* user) {
  auto* job = static_cast<Job*>(user);
  job->begun = true;
  EXPECT_EQ(job->host->worker(), WEIR_NO_WORKER);
  while (!job->go) std::this_thread::yield();
  ++job->works;
}
void Done(void* user, weir_stream*) {
  auto* job = static_cast<Job*>(user);
  EXPECT_NE(job->host->worker(), WEIR_NO_WORKER);
  ++job->dones;
}

TEST_F(PluginHostTest, OffloadedWorkRunsElsewhereAndIsDoneOnItsWorker) {
  TestWorker worker(0, &stats_);
  Job job;
  job.host = host_;
  const weir_ticket ticket = worker.Ticket();
  EXPECT_EQ(host_->offload(&WorkOn, ticket, &Done, &job), WEIR_REFUSED) << "on no worker";
  worker.Do([&] {
    EXPECT_EQ(host_->offload(&WorkOn, {{0, 0}}, &Done, &job), WEIR_REFUSED);
    EXPECT_EQ(host_->offload(nullptr, ticket, &Done, &job), WEIR_REFUSED);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(host_->offload(&WorkOn, ticket, &Done, &job), WEIR_OK);
  });
  WaitFor([&] { return job.dones == 100; });
  EXPECT_EQ(job.works, 100);
}

TEST_F(PluginHostTest, OnlySoMuchWorkWaits) {
  TestWorker worker(0, &stats_);
  const weir_ticket ticket = worker.Ticket();
  std::vector<std::unique_ptr<Job>> busy;
  Job job;
  job.host = host_;
  for (uint32_t i = 0; i < HelperThreads::kThreads; ++i) {
    busy.push_back(std::make_unique<Job>());
    busy.back()->host = host_;
    busy.back()->go = false;
    Job* one = busy.back().get();
    worker.Do([&] { EXPECT_EQ(host_->offload(&WorkOn, ticket, &Done, one), WEIR_OK); });
    WaitFor([one] { return one->begun.load(); });
  }
  worker.Do([&] {
    for (int i = 0; i < 1024; ++i) ASSERT_EQ(host_->offload(&WorkOn, ticket, &Done, &job), WEIR_OK);
    EXPECT_EQ(host_->offload(&WorkOn, ticket, &Done, &job), WEIR_NO_ROOM);
  });
  for (const auto& one : busy) one->go = true;
  WaitFor([&] { return job.dones == 1024; });
  for (const auto& one : busy) WaitFor([&] { return one->dones == 1; });
  EXPECT_EQ(job.works, 1024);
}

TEST_F(PluginHostTest, AWorkerThatStopsRunsDoneOfAllThatWasOffloaded) {
  auto worker = std::make_unique<TestWorker>(0, &stats_);
  const weir_ticket ticket = worker->Ticket();
  Job busy[2];
  Job job;
  job.host = host_;
  for (Job& one : busy) {
    one.host = host_;
    one.go = false;
    worker->Do([&] { EXPECT_EQ(host_->offload(&WorkOn, ticket, &Done, &one), WEIR_OK); });
    WaitFor([&one] { return one.begun.load(); });
  }
  worker->Do([&] {
    for (int i = 0; i < 500; ++i) EXPECT_EQ(host_->offload(&WorkOn, ticket, &Done, &job), WEIR_OK);
    // What runs is waited for; it ends only after the worker has begun to stop.
    worker->loop()->Stop();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (Job& one : busy) one.go = true;
  worker->Stop();
  EXPECT_EQ(busy[0].dones, 1);
  EXPECT_EQ(busy[1].dones, 1);
  EXPECT_EQ(job.dones, 500);
  EXPECT_LE(job.works, 500);
}

// ---- Descriptors

std::vector<std::string> events;

weir_plugin_descriptor Descriptor() {
  weir_plugin_descriptor descriptor{};
  descriptor.magic = WEIR_ABI_MAGIC;
  descriptor.abi_major = WEIR_ABI_MAJOR;
  descriptor.struct_size = sizeof(descriptor);
  descriptor.name = "p";
  descriptor.version = "1";
  descriptor.worker_start = [](uint32_t worker) {
    const bool here = PluginWorker::Here() != nullptr && PluginWorker::Here()->id() == worker;
    events.push_back("start " + std::to_string(worker) + (here ? "" : " elsewhere"));
  };
  descriptor.worker_stop = [](uint32_t worker) {
    const bool here = PluginWorker::Here() != nullptr && PluginWorker::Here()->id() == worker;
    events.push_back("stop " + std::to_string(worker) + (here ? "" : " elsewhere"));
  };
  return descriptor;
}

TEST_F(PluginHostTest, PluginsAreToldOfWorkersOnTheirThreads) {
  events.clear();
  const weir_plugin_descriptor full = Descriptor();
  weir_plugin_descriptor silent = Descriptor();
  silent.worker_start = nullptr;
  silent.worker_stop = nullptr;
  weir_plugin_descriptor old = Descriptor();
  old.struct_size = offsetof(weir_plugin_descriptor, worker_start);
  TestWorker worker(1, &stats_, {&full, &silent, &old});
  std::function<void()> hook = [] { events.push_back("posted"); };
  worker.Do([&] {
    EXPECT_EQ(host_->post_worker(1, &Call, &hook), WEIR_OK);
    worker.loop()->Stop();
  });
  worker.Stop();
  EXPECT_THAT(events, ElementsAre("start 1", "posted", "stop 1"));
}

TEST_F(PluginHostTest, SharedValuesAreShownAsGauges) {
  EXPECT_EQ(host_->kv_set(View("s"), View("k"), View("value"), 0), WEIR_OK);
  EXPECT_EQ(host_->kv_set(View("s"), View("k"), {nullptr, 1}, 0), WEIR_REFUSED);
  EXPECT_EQ(host_->kv_set({nullptr, 1}, View("k"), View("value"), 0), WEIR_REFUSED);
  int64_t sum = 0;
  EXPECT_EQ(host_->kv_add(View("s"), View("n"), 2, 0, &sum), WEIR_OK);
  EXPECT_EQ(sum, 2);
  char room[8];
  EXPECT_EQ(host_->kv_get(View("s"), View("k"), room, sizeof(room)), 5);
  plugin_host_.Tend();
  EXPECT_EQ(Stat("kv.keys"), 2u);
  EXPECT_EQ(Stat("kv.bytes"), 1u + 1u + 5u + 1u + 1u + 8u);
  EXPECT_EQ(Stat("kv.no_room"), 0u);
  EXPECT_EQ(host_->kv_remove(View("s"), View("k")), WEIR_OK);
}

TEST_F(PluginHostTest, ExceptionsThatLeaveHooksAreCountedAndNothingElseHappens) {
  TestWorker worker(0, &stats_);
  plugin_host_.Tend();
  const uint64_t before = Stat("plugins.threw");
  std::atomic<int> runs{0};
  std::function<void()> hook = [&] {
    ++runs;
    throw 1;
  };
  const weir_ticket ticket = worker.Ticket();
  const auto stream_hook = [](void* user, weir_stream*) { Call(user); };
  weir_timer* timer = nullptr;
  worker.Do([&] {
    timer = host_->timer_new(&Call, &hook);
    host_->timer_set(timer, 0);
    EXPECT_EQ(host_->post_worker(0, &Call, &hook), WEIR_OK);
    EXPECT_EQ(host_->post(ticket, stream_hook, &hook), WEIR_OK);
    EXPECT_EQ(host_->offload(&Call, ticket, stream_hook, &hook), WEIR_OK);
  });
  WaitFor([&] { return runs == 5; });
  worker.Do([&] { host_->timer_free(timer); });
  worker.Stop();
  plugin_host_.Tend();
  EXPECT_EQ(Stat("plugins.threw") - before, 5u);
}

}  // namespace
}  // namespace weir::server
