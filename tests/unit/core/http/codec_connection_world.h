#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/http/codec_connection.h"
#include "tests/support/fake_io.h"
#include "tests/support/scripted_codec.h"

namespace weir::http {

using base::Slab;
using base::SlabPool;
using base::Slice;
using test::FakeIo;
using test::FakePeer;
using test::ScriptedCodec;

// Writes down what it is told.
class TestStream final : public CodecStream {
 public:
  TestStream(SlabPool* pool, std::string* log) : CodecStream(pool), log_(log) {}

  bool keep = false;      // holds the received slices
  bool echo_end = false;  // answers as soon as the head is there
  std::vector<Slice> kept;
  std::string body;
  int resets = 0;
  TestStream* resets_too = nullptr;

 private:
  void OnHead(weir_head& head, bool end_stream) override {
    *log_ += head.kind == WEIR_HEAD_INTERIM ? "interim " : end_stream ? "head! " : "head ";
    if (echo_end) SendHead(head, true);
  }
  void OnData(Slice data, bool end_stream) override {
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    *log_ += end_stream ? "data! " : "data ";
    if (keep) kept.push_back(std::move(data));
  }
  void OnTrailers(weir_head&) override { *log_ += "trailers "; }
  void OnEnd() override { *log_ += "end "; }
  void OnReset(const weir_error& error) override {
    ++resets;
    *log_ += "reset" + std::to_string(error.reason) + (bound() ? "(bound) " : " ");
    if (resets_too != nullptr) resets_too->Reset(WEIR_REASON_CANCEL);
  }
  void OnStopSending() override { *log_ += "stop "; }
  void OnBodyTaken(uint64_t bytes) override { *log_ += "taken" + std::to_string(bytes) + " "; }
  void OnSent() override { *log_ += "sent "; }

  std::string* log_;
};

class TestConnection final : public CodecConnection {
 public:
  TestConnection(net::WorkerContext* context, std::unique_ptr<net::Io> io, const CodecSet* codecs,
                 std::string* log)
      : CodecConnection(context, std::move(io), codecs), log_(log) {}

  using CodecConnection::ExpireHead;
  using CodecConnection::Finish;
  using CodecConnection::set_flush_ms;
  using CodecConnection::set_linger_ms;
  using CodecConnection::SetOwnDeadline;
  using CodecConnection::streams_empty;

  std::vector<std::unique_ptr<TestStream>>* made = nullptr;
  bool refuse = false;
  bool echo_end = false;
  std::string hooks;

 private:
  CodecStream* OnNewStream() override {
    if (refuse) return nullptr;
    made->push_back(std::make_unique<TestStream>(context()->pool, log_));
    made->back()->echo_end = echo_end;
    return made->back().get();
  }
  void OnGoaway(uint32_t last) override { *log_ += "goaway" + std::to_string(last) + " "; }
  void OnInputEnd() override {
    *log_ += "fin ";
    if (streams_empty()) Finish(true, WEIR_REASON_NONE);
  }
  void OnConnected() override { *log_ += "connected "; }
  void OnPartialInput() override { hooks += "partial "; }
  void OnShown(bool rest) override { hooks += rest ? "rest " : "all "; }
  void OnOwnDeadline() override { hooks += "deadline "; }
  void OnDrained() override { *log_ += "drained "; }
  void OnGone(uint32_t reason) override { *log_ += "gone" + std::to_string(reason) + " "; }

  std::string* log_;
};

class CodecConnectionTest : public testing::Test {
 protected:
  CodecConnectionTest() {
    context_.reactor = &reactor_;
    context_.pool = &pool_;
    context_.receive = &receive_;
  }
  ~CodecConnectionTest() override {
    if (connection_ != nullptr && !peer_.closed) connection_->Finish(false, WEIR_REASON_NONE);
    Turn();
    EXPECT_TRUE(peer_.closed);
    EXPECT_EQ(ScriptedCodec::last, nullptr);
    streams_.clear();
    receive_.Drop();
    EXPECT_EQ(pool_.pinned_bytes(), 0u) << "a slab is still held";
  }

  void Start(uint8_t position = WEIR_SERVER, bool multiplexed = true) {
    weir_codec_params params{};
    params.struct_size = sizeof params;
    params.position = position;
    params.codec_host = CodecHostTable();
    StartWith({{ScriptedCodec::Api(multiplexed), params}});
  }
  void StartWith(std::vector<CodecChoice> choices) {
    codecs_.choices = std::move(choices);
    auto io = std::make_unique<FakeIo>(&peer_);
    io_ = io.get();
    connection_ = new TestConnection(&context_, std::move(io), &codecs_, &log_);
    connection_->made = &streams_;
    connection_->Start();
  }
  void Turn() {
    while (reactor_.RunTurn() && turns_++ < 1000) {
    }
    ASSERT_LT(turns_, 1000) << "the connection never comes to rest";
  }
  void Feed(const std::string& text) {
    peer_.to_read += text;
    io_->Wake(true, false);
    Turn();
  }
  void FeedFin() {
    peer_.fin = true;
    io_->Wake(true, false);
    Turn();
  }
  void WriteRoom(size_t bytes) {
    peer_.write_room = bytes;
    io_->Wake(false, true);
    Turn();
  }
  void Advance(uint64_t ms) {
    reactor_.set_now(reactor_.now_ms() + ms);
    Turn();
  }
  // What was told since the last call.
  std::string Log() { return std::exchange(log_, std::string()); }
  TestStream* OpenStream() {
    streams_.push_back(std::make_unique<TestStream>(&pool_, &log_));
    EXPECT_TRUE(connection_->Open(streams_.back().get()));
    return streams_.back().get();
  }
  Slice Bytes(size_t size, char fill = 'x') {
    Slab* slab = pool_.Take(static_cast<uint32_t>(size));
    std::memset(slab->data(), fill, size);
    return Slice(slab, slab->data(), size);
  }
  void SendHead(TestStream* stream, bool end = false) {
    weir_head head{};
    EXPECT_EQ(stream->SendHead(head, end), WEIR_OK);
  }
  ScriptedCodec* codec() { return ScriptedCodec::last; }

  SlabPool pool_;
  net::ReceiveBuffer receive_{&pool_};
  net::Reactor reactor_{1000};
  net::WorkerContext context_;
  FakePeer peer_;
  FakeIo* io_ = nullptr;
  CodecSet codecs_;
  std::vector<std::unique_ptr<TestStream>> streams_;
  TestConnection* connection_ = nullptr;
  std::string log_;
  int turns_ = 0;
};

}  // namespace weir::http
