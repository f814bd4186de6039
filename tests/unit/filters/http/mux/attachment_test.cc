#include "filters/http/mux/attachment.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/core/upstream/fake_worker.h"

namespace weir::mux {
namespace {

class Owner final : public AttachmentOwner {
 public:
  std::string log;

 private:
  void OnUpstreamHead(weir_head& head, bool end) override {
    log += std::to_string(head.status) + (end ? "! " : " ");
  }
  void OnUpstreamData(base::Slice, bool end) override { log += end ? "data! " : "data "; }
  void OnUpstreamTrailers(weir_head&) override { log += "trailers "; }
  void OnUpstreamEnd() override { log += "end "; }
  void OnUpstreamReset(const weir_error& error) override {
    log += "reset" + std::to_string(error.reason) + " ";
  }
  void OnUpstreamTaken(uint64_t bytes) override { log += "taken" + std::to_string(bytes) + " "; }
  void OnUpstreamSent() override { log += "sent "; }
};

// Attaches whatever connection it gets.
class Wanting final : public upstream::PoolRequest {
 public:
  Wanting(Attachment* attachment, upstream::Host** host) : attachment_(attachment), host_(host) {}

 private:
  void OnConnection(upstream::ClientConnection* connection, upstream::Host* host) override {
    EXPECT_TRUE(attachment_->Attach(connection, host));
    *host_ = host;
  }
  void OnNoConnection(upstream::PoolFailure, upstream::Host*) override { FAIL(); }

  Attachment* attachment_;
  upstream::Host** host_;
};

class AttachmentTest : public testing::Test {
 protected:
  AttachmentTest()
      : cluster_(test::TestCluster()),
        pool_(std::make_unique<upstream::Pool>(
            &worker_.context, &cluster_, test::H1Upstream(),
            observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app"), 1)),
        attachment_(std::make_unique<Attachment>(&owner_, &worker_.slabs)) {}
  ~AttachmentTest() override {
    attachment_.reset();
    EXPECT_EQ(host_ == nullptr ? 0u : host_->active_requests, 0u);
    pool_.reset();
    worker_.Turn();
    EXPECT_EQ(worker_.Leftovers(), "");
    EXPECT_EQ(worker_.dialer.open(), 0u);
  }

  void Attach() {
    Wanting request(attachment_.get(), &host_);
    ASSERT_EQ(pool_->Acquire(&request, false, nullptr), upstream::PoolFailure::kNone);
    worker_.Turn();
    ASSERT_TRUE(attachment_->attached());
  }
  void Request(bool end) {
    weir_head head{};
    head.struct_size = sizeof head;
    head.kind = WEIR_HEAD_REQUEST;
    head.method = {"POST", 4};
    head.path = {"/", 1};
    head.authority = {"a", 1};
    ASSERT_EQ(attachment_->SendHead(head, end), WEIR_OK);
    worker_.Turn();
  }
  void Answer() { worker_.dialer.at(0).Send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"); }

  test::FakeWorker worker_;
  Owner owner_;
  config::Cluster cluster_;
  std::unique_ptr<upstream::Pool> pool_;
  std::unique_ptr<Attachment> attachment_;
  upstream::Host* host_ = nullptr;
};

TEST_F(AttachmentTest, ACompleteExchangeGivesTheConnectionBack) {
  Attach();
  EXPECT_EQ(host_->active_requests, 1u);
  Request(true);
  Answer();
  EXPECT_EQ(owner_.log, "sent 200! ");
  attachment_->Detach(WEIR_REASON_NO_ERROR);
  EXPECT_FALSE(attachment_->attached());
  EXPECT_EQ(host_->active_requests, 0u);
  worker_.Turn();
  EXPECT_FALSE(worker_.dialer.at(0).peer.closed);
  EXPECT_NE(host_->idle.front(), nullptr);
}

TEST_F(AttachmentTest, AnExchangeThatIsNotCompleteEndsTheConnection) {
  Attach();
  Request(false);
  Answer();
  attachment_->Detach(WEIR_REASON_NO_ERROR);
  EXPECT_EQ(host_->active_requests, 0u);
  worker_.Turn();
  EXPECT_TRUE(worker_.dialer.at(0).peer.closed);
}

TEST_F(AttachmentTest, DetachingTwiceCountsOnce) {
  Attach();
  attachment_->Detach(WEIR_REASON_CANCEL);
  attachment_->Detach(WEIR_REASON_CANCEL);
  EXPECT_EQ(host_->active_requests, 0u);
  worker_.Turn();
  EXPECT_EQ(pool_->connections(), 0u);
}

TEST_F(AttachmentTest, DyingDetaches) {
  Attach();
  Request(false);
  attachment_.reset();
  EXPECT_EQ(host_->active_requests, 0u);
  worker_.Turn();
  EXPECT_TRUE(worker_.dialer.at(0).peer.closed);
  EXPECT_EQ(owner_.log, "") << "nobody is told of an end that it made itself";
}

TEST_F(AttachmentTest, AResetConnectionStillCountsOnce) {
  Attach();
  Request(true);
  worker_.dialer.at(0).Break();
  EXPECT_EQ(owner_.log, "sent reset" + std::to_string(WEIR_REASON_REMOTE_RESET) + " ");
  EXPECT_TRUE(attachment_->attached()) << "until its owner has seen how it stood";
  attachment_->Detach(WEIR_REASON_REMOTE_RESET);
  EXPECT_EQ(host_->active_requests, 0u);
}

TEST_F(AttachmentTest, CanBeAttachedAgain) {
  Attach();
  Request(true);
  worker_.dialer.at(0).Break();
  attachment_->Detach(WEIR_REASON_REMOTE_RESET);
  worker_.Turn();
  Attach();
  EXPECT_EQ(host_->active_requests, 1u);
  EXPECT_FALSE(attachment_->received_all());
  EXPECT_FALSE(attachment_->sent_all());
}

TEST_F(AttachmentTest, KnowsWhetherAByteMayHaveReachedThePeer) {
  Attach();
  EXPECT_FALSE(attachment_->WroteSinceAttach());
  worker_.dialer.at(0).peer.write_room = 0;
  Request(false);
  EXPECT_FALSE(attachment_->WroteSinceAttach()) << "queued is not written";
  worker_.dialer.at(0).peer.write_room = 1;
  worker_.dialer.at(0).io->Wake(false, true);
  worker_.Turn();
  EXPECT_TRUE(attachment_->WroteSinceAttach());
}

TEST_F(AttachmentTest, EarlierUseOfTheConnectionDoesNotCountAsWritten) {
  Attach();
  Request(true);
  Answer();
  attachment_->Detach(WEIR_REASON_NO_ERROR);
  worker_.Turn();
  Attach();
  EXPECT_EQ(worker_.dialer.count(), 1u);
  EXPECT_FALSE(attachment_->WroteSinceAttach());
}

}  // namespace
}  // namespace weir::mux
