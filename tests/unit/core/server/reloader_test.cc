#include "core/server/reloader.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/server/cluster_dns.h"
#include "core/server/loop_door.h"
#include "tests/unit/core/server/reload_world.h"
#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string File(const std::string& prefix, const std::string& address = "127.0.0.1:0") {
  return "listeners:\n  - name: web\n    address: " + address +
         "\n    http: { routes: [ { match: { prefix: " + prefix +
         " }, direct_response: { status: 200 } } ] }\n";
}

class Observer final : public WorkerObserver {
 public:
  void OnPlaceFreed() override {}
  void OnOpened() override { ++opened; }
  void OnDrained(uint32_t) override {}
  std::atomic<uint32_t> opened{0};
};

// The reloader with two real workers, whose filters serve nobody, and the test as main thread.
class ReloaderTest : public testing::Test {
 protected:
  ~ReloaderTest() override {
    StopWorkers();
    reloader_.reset();
  }

  void Start() {
    std::unique_ptr<Generation> first = world_.Make(text_);
    ASSERT_NE(first, nullptr) << world_.mistakes;
    std::string error;
    ASSERT_TRUE(first->listeners.BindAll(2, &error)) << error;
    for (uint32_t i = 0; i < 2; ++i) {
      workers_.push_back(std::make_unique<Worker>(i, &first->context, &world_.wiring,
                                                  &first->listeners, &observer_));
      workers_.back()->Start();
    }
    Reloader::Parts parts;
    parts.load = [this] {
      ++loads_;
      return world_.Load(text_);
    };
    parts.maker = world_.maker();
    parts.first = std::move(first);
    parts.releases = &world_.releases;
    parts.stats = &world_.stats;
    parts.address_file = address_file_;
    parts.watched_file = watched_file_;
    reloader_ = std::make_unique<Reloader>(std::move(parts));
    ASSERT_TRUE(TurnUntil([this] { return observer_.opened == 2; }));
    reloader_->Start(ServerParts());
  }
  Reloader::Server ServerParts() {
    Reloader::Server server;
    server.loop = &loop_;
    server.workers = &workers_;
    server.refuses = [this] { return refusal_; };
    server.adopted = [this](Generation* generation) { adopted_.push_back(generation); };
    server.reread = [this] { return reread_; };
    server.begun = [this] { ++begun_; };
    server.finished = [this](const ReloadResult&) { ++finished_; };
    return server;
  }
  void StopWorkers() {
    for (const auto& worker : workers_) worker->Stop();
    workers_.clear();
  }
  bool TurnUntil(const std::function<bool()>& so) { return test::TurnUntil(&loop_, so); }
  // Who asks, and what was answered.
  Reloader::Done Asker() {
    return [this](const ReloadResult& result) { answers_.push_back(result); };
  }
  ReloadResult Reload(const std::string& text) {
    text_ = text;
    const size_t before = answers_.size();
    reloader_->Reload(Asker());
    EXPECT_TRUE(TurnUntil([&] { return answers_.size() > before; }));
    return answers_.size() > before ? answers_.back() : ReloadResult();
  }

  test::ReloadWorld world_;
  net::EventLoop loop_;
  Observer observer_;
  std::string text_ = File("/");
  std::string address_file_, watched_file_;
  std::string refusal_;
  std::vector<std::string> reread_;
  int loads_ = 0, begun_ = 0, finished_ = 0;
  std::vector<Generation*> adopted_;
  std::vector<ReloadResult> answers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Reloader> reloader_;
};

TEST_F(ReloaderTest, WhatChangedIsInUseWhenTheAnswerComes) {
  Start();
  const Generation* before = reloader_->present();
  const ReloadResult result = Reload(File("/a"));
  EXPECT_TRUE(result.ok) << result.error;
  EXPECT_THAT(result.changes, ElementsAre("listener web: changed"));
  EXPECT_EQ(result.number, 1u);
  EXPECT_GT(result.unix_ms, 0);
  EXPECT_NE(reloader_->present(), before);
  EXPECT_THAT(adopted_, ElementsAre(reloader_->present()));
  EXPECT_EQ(Reloader::PresentConfig(), reloader_->present()->context.bootstrap);
  const ListenerSpec* wanted = reloader_->present()->listeners.specs()[0].get();
  const auto serves = std::make_shared<Answers<bool>>();
  for (const auto& worker : workers_) {
    worker->loop()->Post([serves, wanted, of = worker.get()] {
      bool all = true;
      of->ForEachListener([&](const ListenerSpec& spec) { all = all && &spec == wanted; });
      serves->Add(all);
    });
  }
  EXPECT_THAT(serves->Wait(2, std::chrono::seconds(60)), ElementsAre(true, true));
  EXPECT_EQ(world_.Stat("server.reload_total"), 1u);
  EXPECT_EQ(world_.Stat("server.reload_failed"), 0u);
  EXPECT_EQ(world_.Stat("server.reload_generation"), 1u);
}

TEST_F(ReloaderTest, TheSocketsAreInheritedAndTheirAddressStays) {
  Start();
  const std::string before = reloader_->present()->listeners.specs()[0]->bound.ToString();
  ASSERT_TRUE(Reload(File("/a")).ok);
  EXPECT_EQ(reloader_->present()->listeners.specs()[0]->bound.ToString(), before);
}

TEST_F(ReloaderTest, TheSameFileChangesNothing) {
  Start();
  const Generation* before = reloader_->present();
  const ReloadResult result = Reload(text_);
  EXPECT_TRUE(result.ok);
  EXPECT_THAT(result.changes, IsEmpty());
  EXPECT_EQ(reloader_->present(), before);
  EXPECT_THAT(adopted_, IsEmpty());
  EXPECT_EQ(world_.Stat("server.reload_total"), 1u);
  EXPECT_EQ(world_.Stat("server.reload_failed"), 0u);
  EXPECT_EQ(world_.Stat("server.reload_generation"), 0u);
}

TEST_F(ReloaderTest, AMistakeOfTheFileChangesNothingAndIsCounted) {
  Start();
  const Generation* before = reloader_->present();
  const auto config = Reloader::PresentConfig();
  const ReloadResult result = Reload("listeners: [ { adress: 1 } ]\n");
  EXPECT_FALSE(result.ok);
  EXPECT_THAT(result.error, HasSubstr("weir.yaml:1:"));
  EXPECT_THAT(result.error, HasSubstr("adress"));
  EXPECT_EQ(reloader_->present(), before);
  EXPECT_EQ(Reloader::PresentConfig(), config);
  EXPECT_THAT(adopted_, IsEmpty());
  EXPECT_EQ(Reloader::Last().error, result.error);
  EXPECT_EQ(world_.Stat("server.reload_total"), 1u);
  EXPECT_EQ(world_.Stat("server.reload_failed"), 1u);
  EXPECT_EQ(world_.Stat("server.reload_generation"), 0u);
  EXPECT_TRUE(Reload(File("/a")).ok) << "and the next one is as good as ever";
  EXPECT_EQ(world_.Stat("server.reload_failed"), 1u);
}

TEST_F(ReloaderTest, AnAddressThatCannotBeBoundChangesNothing) {
  Start();
  const Generation* before = reloader_->present();
  const std::string bound = before->listeners.specs()[0]->bound.ToString();
  const ReloadResult result = Reload(File("/", "203.0.113.1:1"));
  EXPECT_FALSE(result.ok);
  EXPECT_THAT(result.error, HasSubstr("listener web: cannot bind 203.0.113.1:1"));
  EXPECT_EQ(reloader_->present(), before);
  EXPECT_EQ(before->listeners.specs()[0]->bound.ToString(), bound);
  EXPECT_THAT(adopted_, IsEmpty());
  EXPECT_EQ(world_.Stat("server.reload_failed"), 1u);
}

TEST_F(ReloaderTest, WhoAsksWhileOneIsUnderWayIsAnsweredByOneMore) {
  Start();
  text_ = File("/a");
  reloader_->Reload(Asker());
  ASSERT_THAT(answers_, IsEmpty()) << "the workers have not taken it yet";
  text_ = File("/b");
  for (int i = 0; i < 3; ++i) reloader_->Reload(Asker());
  EXPECT_EQ(loads_, 1);
  ASSERT_TRUE(TurnUntil([this] { return answers_.size() >= 4; }));
  EXPECT_EQ(loads_, 2);
  ASSERT_EQ(answers_.size(), 4u);
  EXPECT_EQ(answers_[0].number, 1u);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_TRUE(answers_[i].ok);
    EXPECT_EQ(answers_[i].number, 2u);
    EXPECT_THAT(answers_[i].changes, ElementsAre("listener web: changed"));
  }
  EXPECT_EQ(world_.Stat("server.reload_total"), 2u);
}

// SIGHUP asks without waiting for an answer.
TEST_F(ReloaderTest, WhatIsAskedForWithoutAnAnswerMeanwhileIsNotLost) {
  Start();
  text_ = File("/a");
  reloader_->Reload();
  text_ = File("/b");
  reloader_->Reload();
  ASSERT_TRUE(TurnUntil([this] { return finished_ >= 2; }));
  EXPECT_THAT(Reloader::Last().changes, ElementsAre("listener web: changed"));
  EXPECT_EQ(Reloader::Last().number, 2u);
  EXPECT_EQ(begun_, 2);
  EXPECT_EQ(finished_, 2);
}

TEST_F(ReloaderTest, WhoIsAnsweredMayAskAgain) {
  Start();
  text_ = File("/a");
  reloader_->Reload([this](const ReloadResult& result) {
    answers_.push_back(result);
    text_ = File("/b");
    reloader_->Reload(Asker());
  });
  ASSERT_TRUE(TurnUntil([this] { return answers_.size() >= 2; }));
  EXPECT_EQ(answers_[0].number, 1u);
  EXPECT_EQ(answers_[1].number, 2u);
  EXPECT_TRUE(answers_[1].ok);
}

TEST_F(ReloaderTest, WhileItIsRefusedTheFileIsNotEvenRead) {
  Start();
  refusal_ = "it drains";
  const ReloadResult result = Reload(File("/a"));
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.error, "it drains");
  EXPECT_EQ(loads_, 0);
  EXPECT_EQ(world_.Stat("server.reload_failed"), 1u);
}

// A cluster whose name nobody answers for: the reload waits for as long as it may.
class ReloaderDnsTest : public ReloaderTest {
 protected:
  ReloaderDnsTest() : silent_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(silent_, reinterpret_cast<const sockaddr*>(&at), size), 0);
    EXPECT_EQ(getsockname(silent_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
    world_.common.dns = &dns_;
    world_.wiring.prepare = [](ServerContext* context) {
      context->cluster_members = context->dns->Plan(*context->bootstrap);
      return true;
    };
    dns_.Start(&loop_);
  }
  ~ReloaderDnsTest() override {
    StopWorkers();
    if (reloader_ != nullptr) reloader_->Stop();
    dns_.Stop();
    close(silent_);
  }
  std::string Named(const std::string& patience) const {
    return File("/") + "limits: { dns_warm_timeout: " + patience +
           " }\nclusters:\n  - { name: app, type: STRICT_DNS, dns_resolvers: [ 127.0.0.1:" +
           std::to_string(port_) + " ], endpoints: [ app.test:80 ] }\n";
  }

  int silent_;
  uint16_t port_ = 0;
  ClusterDns dns_{&world_.stats};
};

TEST_F(ReloaderDnsTest, ARefusalThatComesWhileNamesAreLookedUpHolds) {
  Start();
  const Generation* before = reloader_->present();
  text_ = Named("200ms");
  reloader_->Reload(Asker());
  ASSERT_THAT(answers_, IsEmpty());
  EXPECT_EQ(loads_, 1);
  refusal_ = "it drains";
  ASSERT_TRUE(TurnUntil([this] { return !answers_.empty(); }));
  EXPECT_FALSE(answers_[0].ok);
  EXPECT_EQ(answers_[0].error, "it drains");
  EXPECT_EQ(reloader_->present(), before);
  EXPECT_THAT(adopted_, IsEmpty());
  EXPECT_EQ(world_.Stat("server.reload_failed"), 1u);
}

TEST_F(ReloaderDnsTest, NamesAreWaitedForNoLongerThanConfigured) {
  Start();
  EXPECT_THAT(Reload(Named("50ms")).changes, ElementsAre("cluster app: added", "limits: changed"));
  EXPECT_EQ(world_.Stat("cluster.app.warm_timeout"), 1u);
}

TEST_F(ReloaderDnsTest, StopAnswersWhoWaitsForNames) {
  Start();
  text_ = Named("600s");
  reloader_->Reload(Asker());
  reloader_->Reload(Asker());
  EXPECT_EQ(loads_, 1) << "the second one waits for the first";
  StopWorkers();
  reloader_->Stop();
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].error, "the server ends");
  EXPECT_THAT(adopted_, IsEmpty());
}

TEST_F(ReloaderTest, FilesThatAreFollowedAreReadAgainUnlessThereWasAMistake) {
  Start();
  reread_ = {"listener web: read again: cert.pem"};
  EXPECT_THAT(Reload(text_).changes, ElementsAre("listener web: read again: cert.pem"));
  EXPECT_THAT(Reload("nonsense: true\n").changes, IsEmpty());
}

TEST_F(ReloaderTest, OtherThreadsAskAndAreAnsweredOnTheMainOne) {
  EXPECT_FALSE(Reloader::Ask(Asker())) << "there is none yet";
  Start();
  text_ = File("/a");
  bool asked = false;
  std::thread([&] { asked = Reloader::Ask(Asker()); }).join();
  EXPECT_TRUE(asked);
  EXPECT_THAT(answers_, IsEmpty());
  ASSERT_TRUE(TurnUntil([this] { return !answers_.empty(); }));
  EXPECT_TRUE(answers_[0].ok);
  EXPECT_EQ(loads_, 1);
}

TEST_F(ReloaderTest, StopAnswersAllWhoWait) {
  Start();
  text_ = File("/a");
  reloader_->Reload(Asker());           // under way
  reloader_->Reload(Asker());           // after it
  ASSERT_TRUE(Reloader::Ask(Asker()));  // not taken yet
  StopWorkers();
  reloader_->Stop();
  ASSERT_EQ(answers_.size(), 3u);
  for (const ReloadResult& answer : answers_) {
    EXPECT_FALSE(answer.ok);
    EXPECT_EQ(answer.error, "the server ends");
  }
  EXPECT_FALSE(Reloader::Ask(Asker()));
  EXPECT_EQ(Reloader::PresentConfig(), nullptr);
  reloader_->Stop();
  EXPECT_EQ(answers_.size(), 3u) << "each once";
}

TEST_F(ReloaderTest, TheAddressFileIsWrittenAnew) {
  const test::TemporaryDirectory directory;
  address_file_ = directory.Path("addresses");
  Start();
  EXPECT_FALSE(std::filesystem::exists(address_file_));
  ASSERT_TRUE(Reload(File("/a")).ok);
  std::ifstream file(address_file_);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(line, "web " + reloader_->present()->listeners.specs()[0]->bound.ToString());
}

TEST_F(ReloaderTest, AChangeOfTheWatchedFileIsAReload) {
  const test::TemporaryDirectory directory;
  directory.Write("weir.yaml", text_);
  watched_file_ = directory.Path("weir.yaml");
  text_ = File("/a");
  Start();
  ASSERT_TRUE(TurnUntil([this] { return finished_ >= 1; })) << "it was changed before the start";
  text_ = File("/b");
  directory.Replace("weir.yaml", text_);
  ASSERT_TRUE(TurnUntil([this] { return finished_ >= 2; }));
  EXPECT_THAT(Reloader::Last().changes, ElementsAre("listener web: changed"));
}

// Workers leave parts of old configurations there, and have no time to free them.
TEST_F(ReloaderTest, WhatWorkersReleaseIsFreedOnTheMainThread) {
  Start();
  std::thread::id freed;
  std::shared_ptr<const void> thing(&freed,
                                    [&freed](const void*) { freed = std::this_thread::get_id(); });
  std::thread([&] { world_.releases.Put(std::move(thing)); }).join();
  EXPECT_TRUE(TurnUntil([&] { return freed == std::this_thread::get_id(); }));
}

}  // namespace
}  // namespace weir::server
