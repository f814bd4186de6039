#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/upstream/pool.h"
#include "tests/unit/core/upstream/fake_worker.h"

namespace weir::upstream {

using test::Dialled;
using test::FakeWorker;

inline constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

// A request that opens its stream on the connection it gets, and gives it back when the answer is
// there.
class Request final : public PoolRequest, public http::CodecStream {
 public:
  explicit Request(Pool* pool) : CodecStream(pool->worker()->pool), pool_(pool) {}
  ~Request() {
    pool_->Cancel(this);
    Release(false);
  }

  PoolFailure Acquire(bool fresh = false, const Host* avoid = nullptr) {
    return pool_->Acquire(this, fresh, avoid);
  }
  void Release(bool clean) {
    if (connection_ == nullptr) return;
    if (!clean) Reset(WEIR_REASON_CANCEL);
    std::exchange(connection_, nullptr)->StreamDone(clean);
  }

  // Its head is followed by a body.
  void Post(size_t bytes) { body_ = bytes; }

  ClientConnection* got() const { return got_; }
  bool answered() const { return answered_; }
  bool reset() const { return reset_; }
  PoolFailure failure = PoolFailure::kNone;
  Host* failed_host = nullptr;

 private:
  void OnConnection(ClientConnection* connection, Host*) override {
    ASSERT_TRUE(connection->OpenStream(this));
    connection_ = got_ = connection;
    weir_head head{};
    head.struct_size = sizeof head;
    head.kind = WEIR_HEAD_REQUEST;
    head.method = {"GET", 3};
    head.path = {"/", 1};
    head.authority = {"a", 1};
    EXPECT_EQ(SendHead(head, body_ == 0), WEIR_OK);
    if (body_ == 0) return;
    const std::string body(body_, 'b');
    http::SliceQueue queue(pool_->worker()->pool);
    queue.Append(body.data(), body.size());
    SendQueue(&queue);
  }
  void OnNoConnection(PoolFailure why, Host* host) override {
    failure = why;
    failed_host = host;
  }
  void OnHead(weir_head&, bool end_stream) override {
    if (!end_stream) return;
    answered_ = true;
    Release(sent_all());
  }
  void OnData(base::Slice, bool) override {}
  void OnTrailers(weir_head&) override {}
  void OnEnd() override {}
  void OnReset(const weir_error&) override {
    reset_ = true;
    Release(false);
  }
  void OnBodyTaken(uint64_t) override {}
  void OnSent() override {}

  Pool* pool_;
  size_t body_ = 0;
  ClientConnection* connection_ = nullptr;
  ClientConnection* got_ = nullptr;
  bool answered_ = false;
  bool reset_ = false;
};

class PoolTest : public testing::Test {
 protected:
  PoolTest() : cluster_(test::TestCluster()) {}
  ~PoolTest() override {
    requests_.clear();
    pool_.reset();
    worker_.Turn();
    EXPECT_EQ(worker_.Leftovers(), "");
    EXPECT_EQ(worker_.dialer.open(), 0u);
  }

  Pool& pool() {
    if (pool_ == nullptr) {
      const auto stats = observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app");
      pool_ = std::make_unique<Pool>(&worker_.context, &cluster_, codec_, stats, workers_);
    }
    return *pool_;
  }
  Request& NewRequest() {
    requests_.push_back(std::make_unique<Request>(&pool()));
    return *requests_.back();
  }
  // A request that is on its connection and was written.
  Request& Begin() {
    Request& request = NewRequest();
    EXPECT_EQ(request.Acquire(), PoolFailure::kNone);
    worker_.Turn();
    return request;
  }
  Request& Exchange(size_t connection) {
    Request& request = Begin();
    worker_.dialer.at(connection).Send(kOk);
    worker_.Turn();
    EXPECT_TRUE(request.answered());
    return request;
  }
  Dialled& at(size_t i) { return worker_.dialer.at(i); }
  size_t dialled() const { return worker_.dialer.count(); }
  uint64_t Stat(const std::string& name) { return worker_.Stat("cluster.app." + name); }

  FakeWorker worker_;
  config::Cluster cluster_;
  UpstreamCodec codec_ = test::H1Upstream();
  uint32_t workers_ = 1;
  std::unique_ptr<Pool> pool_;
  std::vector<std::unique_ptr<Request>> requests_;
};

}  // namespace weir::upstream
