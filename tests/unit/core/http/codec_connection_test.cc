#include "core/http/codec_connection.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/net/upload_pacer.h"
#include "tests/unit/core/http/codec_connection_world.h"

namespace weir::http {
namespace {

// ---- Receiving

TEST_F(CodecConnectionTest, EventsReachTheirStreamInOrder) {
  Start();
  Feed("H1\nH2\nD1*one\nD2*two\nE1\nT2\n");
  EXPECT_EQ(Log().substr(0, 33), "head head data data end trailers ");
  EXPECT_EQ(streams_[0]->body, "one");
  EXPECT_EQ(streams_[1]->body, "two");
  EXPECT_TRUE(streams_[0]->received_all());
}

TEST_F(CodecConnectionTest, SplitInputIsShownAgainInOnePiece) {
  const std::string text = "H1\nD1*hello\nD1*world\nE1\n";
  for (size_t cut = 1; cut < text.size(); ++cut) {
    streams_.clear();
    peer_ = FakePeer{};
    Start();
    Feed(text.substr(0, cut));
    Feed(text.substr(cut));
    ASSERT_EQ(streams_.size(), 1u) << cut;
    EXPECT_EQ(streams_[0]->body, "helloworld") << cut;
    EXPECT_TRUE(streams_[0]->received_all()) << cut;
    connection_->Finish(false, WEIR_REASON_NONE);
    Turn();
  }
}

TEST_F(CodecConnectionTest, BytesThatComeOneByOneAreParsed) {
  peer_.most_per_read = 1;
  Start();
  Feed("H1\nD1*hello\nD1*world\nE1\n");
  EXPECT_EQ(streams_[0]->body, "helloworld");
}

TEST_F(CodecConnectionTest, AReadThatFillsTheRoomGoesOnInARoomierSlab) {
  Start();
  std::string body;
  for (int i = 0; i < 3000; ++i) body += static_cast<char>('a' + i % 26);
  peer_.most_per_read = 100;
  Feed("H1\nD1*" + body + "\n");
  EXPECT_EQ(streams_[0]->body, body);
}

TEST_F(CodecConnectionTest, ReceivedSlicesThatAreKeptAreNeverOverwritten) {
  Start();
  Feed("H1\n");
  streams_[0]->keep = true;
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string piece = "piece " + std::to_string(i);
    all += piece;
    const std::string line = "D1*" + piece + "\n";
    const size_t cut = static_cast<size_t>(i) % line.size();
    Feed(line.substr(0, cut));
    Feed(line.substr(cut));
  }
  std::string kept;
  for (const Slice& slice : streams_[0]->kept)
    kept.append(reinterpret_cast<const char*>(slice.data()), slice.size());
  EXPECT_EQ(kept, all);
}

TEST_F(CodecConnectionTest, ARestDoesNotPinTheReceiveSlab) {
  Start();
  Feed("H1\nD1*the rest of this line is still to co");
  receive_.Drop();
  EXPECT_LE(pool_.pinned_bytes(), 1024u);
  Feed("me\n");
  EXPECT_EQ(streams_[0]->body, "the rest of this line is still to come");
  receive_.Drop();
  EXPECT_EQ(pool_.pinned_bytes(), 0u);
}

TEST_F(CodecConnectionTest, LargePiecesOfAClientAreCountedAsUpload) {
  Start();
  Feed("H1\nD1*" + std::string(net::UploadPacer::kLeastPiece / 2, 'x') + "\n");
  EXPECT_EQ(reactor_.TakeUploaded(), 0u) << "requests with little in them are none";
  const std::string large = "D1*" + std::string(net::UploadPacer::kLeastPiece, 'x') + "\n";
  Feed(large);
  Feed(large);
  EXPECT_EQ(reactor_.TakeUploaded(), 2 * large.size());
  EXPECT_EQ(reactor_.TakeUploaded(), 0u);
}

TEST_F(CodecConnectionTest, WhatABackendSendsIsNoUpload) {
  Start(WEIR_CLIENT);
  OpenStream();
  Feed("H1\nD1*" + std::string(2 * net::UploadPacer::kLeastPiece, 'x') + "\n");
  EXPECT_GT(streams_[0]->body.size(), net::UploadPacer::kLeastPiece);
  EXPECT_EQ(reactor_.TakeUploaded(), 0u);
}

TEST_F(CodecConnectionTest, BlockedInputWaitsAndIsReadAgainAfterCredit) {
  Start();
  Feed("H1\nD1*one\nB0\nD1*two\n");
  EXPECT_EQ(streams_[0]->body, "one");
  peer_.to_read = "D1*three\n";
  io_->Wake(true, false);
  Turn();
  EXPECT_EQ(peer_.to_read, "D1*three\n") << "a blocked codec gets no more bytes";
  codec()->blocked = false;
  streams_[0]->Credit(3);
  EXPECT_EQ(codec()->consumed, 3u);
  Turn();
  EXPECT_EQ(streams_[0]->body, "onetwothree");
}

TEST_F(CodecConnectionTest, PipelinedRequestsAreTakenAfterTheAnswer) {
  Start(WEIR_SERVER, false);
  Feed("F1\nB0\nF2\n");
  ASSERT_EQ(streams_.size(), 1u);
  receive_.Drop();
  EXPECT_LE(pool_.pinned_bytes(), 1024u);
  codec()->blocked = false;
  SendHead(streams_[0].get(), true);
  Turn();
  EXPECT_EQ(streams_.size(), 2u);
}

TEST_F(CodecConnectionTest, ManyMessagesOfOneReadDoNotHoldTheTurn) {
  Start();
  std::string all;
  for (int i = 0; i < 200; ++i) all += "I1\n";
  peer_.to_read = "H1\n" + all;
  io_->Wake(true, false);
  EXPECT_TRUE(reactor_.RunTurn()) << "the rest waits for the next turn";
  Turn();
  size_t interim = 0;
  for (size_t at = log_.find("interim"); at != std::string::npos; at = log_.find("interim", at + 1))
    ++interim;
  EXPECT_EQ(interim, 200u);
}

// What a codec ends by itself, from its clock, is told without a byte from the peer.
TEST_F(CodecConnectionTest, EventsWithoutInputAreAskedFor) {
  Start();
  Feed("H1\nH2\n");
  codec()->overdue = 1;
  streams_[1]->SendData(base::Slice());  // any call, so that produce runs
  Turn();
  EXPECT_NE(log_.find("reset" + std::to_string(WEIR_REASON_TIMEOUT)), std::string::npos) << log_;
  EXPECT_FALSE(streams_[0]->bound());
  EXPECT_TRUE(streams_[1]->bound());
}

TEST_F(CodecConnectionTest, ARefusedStreamIsReset) {
  Start();
  connection_->refuse = true;
  Feed("H1\n");
  EXPECT_EQ(codec()->resets, "1:3 ");
  EXPECT_EQ(peer_.written, "r1\n");
}

TEST_F(CodecConnectionTest, CreditBeyond32BitsIsNotCut) {
  Start();
  Feed("H1\n");
  streams_[0]->Credit((uint64_t{1} << 33) + 5);
  EXPECT_EQ(codec()->consumed, (uint64_t{1} << 33) + 5);
}

TEST_F(CodecConnectionTest, AResetEndsTheStreamAndLeavesTheOthers) {
  Start();
  Feed("H1\nH2\nR1\nD2*x\n");
  EXPECT_FALSE(streams_[0]->bound());
  EXPECT_EQ(streams_[0]->resets, 1);
  EXPECT_EQ(streams_[1]->body, "x");
  streams_[0]->SendData(Bytes(10));
  streams_[0]->SendEnd();
  streams_[0]->Credit(10);
  streams_[0]->Reset(WEIR_REASON_CANCEL);
  weir_head head{};
  EXPECT_EQ(streams_[0]->SendHead(head, true), WEIR_REFUSED);
  Turn();
  EXPECT_EQ(peer_.written, "");
}

TEST_F(CodecConnectionTest, AnErrorWithAStatusLeavesTheStreamBoundForTheAnswer) {
  Start();
  Feed("X1\n");
  EXPECT_EQ(Log().substr(0, 14), "reset4(bound) ");
  SendHead(streams_[0].get(), true);
  Turn();
  EXPECT_EQ(peer_.written, "f1\n");
}

TEST_F(CodecConnectionTest, AConnectionErrorOfAClientResetsEveryStreamOnceInHostAndCodec) {
  Start(WEIR_CLIENT);
  TestStream* one = OpenStream();
  TestStream* two = OpenStream();
  SendHead(one);
  SendHead(two);
  one->SendData(Bytes(100));
  Turn();
  Log();
  one->SendData(Bytes(100));
  Feed("X0\nH1\nD2*late\n");
  EXPECT_EQ(one->resets, 1);
  EXPECT_EQ(two->resets, 1);
  EXPECT_EQ(codec() == nullptr, true);
  EXPECT_EQ(Log(), "reset4 reset4 gone4 ");
}

TEST_F(CodecConnectionTest, AStreamMayResetAnotherWhileAllAreFailed) {
  Start(WEIR_CLIENT);
  TestStream* one = OpenStream();
  TestStream* two = OpenStream();
  one->resets_too = two;
  Feed("X0\n");
  EXPECT_EQ(one->resets, 1);
  EXPECT_EQ(two->resets, 0);
}

TEST_F(CodecConnectionTest, AStreamThatDiesBoundIsForgottenByTheCodec) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  SendHead(stream);
  stream->SendData(Bytes(5000));
  streams_.clear();
  EXPECT_EQ(codec()->resets, "1:9 ");
  Turn();
  EXPECT_EQ(peer_.written, "h1\nr1\n");
}

// ---- The peer's FIN

TEST_F(CodecConnectionTest, AFinInsideAMessageIsTheCodecsToJudge) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  SendHead(stream, true);
  Turn();
  Feed("H1\nD1*ha");
  FeedFin();
  EXPECT_EQ(stream->resets, 1);
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecConnectionTest, BytesAndFinOfOneEventAreBothSeen) {
  peer_.to_read = "F1\n";
  peer_.fin = true;
  Start();
  Turn();
  EXPECT_EQ(streams_.size(), 1u);
  EXPECT_TRUE(codec()->saw_eof);
  EXPECT_FALSE(peer_.closed) << "a half-closed client still gets its answer";
  SendHead(streams_[0].get(), true);
  Turn();
  EXPECT_EQ(peer_.written, "f1\n");
  EXPECT_TRUE(peer_.closed) << "and then nothing keeps the connection";
}

TEST_F(CodecConnectionTest, AFinOfAnIdleClientEndsTheConnectionAndIsSaidOnce) {
  Start();
  FeedFin();
  EXPECT_EQ(Log(), "fin gone0 ");
}

TEST_F(CodecConnectionTest, AFailedReadResetsTheStreams) {
  Start();
  Feed("H1\n");
  Log();
  peer_.read_fails = true;
  io_->Wake(true, true);
  Turn();
  EXPECT_EQ(Log(), "reset2 gone2 ");
}

TEST_F(CodecConnectionTest, AnAnswerBeforeAFailedReadIsDelivered) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  SendHead(stream, true);
  Turn();
  Log();
  peer_.read_fails = true;
  Feed("H1\nD1*answer\nE1\n");
  EXPECT_EQ(stream->body, "answer");
  EXPECT_EQ(stream->resets, 0);
}

// ---- Sending

TEST_F(CodecConnectionTest, BodyGoesOutInOrderWithShortWrites) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  peer_.most_per_write = 777;
  SendHead(stream);
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const char fill = static_cast<char>('a' + i % 26);
    const size_t size = i % 3 == 0 ? 9000u : 50u;
    stream->SendData(Bytes(size, fill));
    all += std::string(size, fill);
  }
  stream->SendEnd();
  Turn();
  for (int i = 0; i < 2000 && peer_.written.size() < all.size() + 11; ++i) {
    io_->Wake(false, true);
    Turn();
    turns_ = 0;
  }
  EXPECT_EQ(peer_.written, "h1\nd1*" + all + "\ne1\n");
  EXPECT_TRUE(stream->sent_all());
}

TEST_F(CodecConnectionTest, ABodyLargerThanTheOutputLimitGoesOutWhole) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  peer_.write_room = 0;
  SendHead(stream);
  for (int i = 0; i < 20; ++i) stream->SendData(Bytes(65536, static_cast<char>('a' + i)));
  stream->SendEnd();
  Turn();
  EXPECT_GT(stream->queued_bytes(), 800000u)
      << "no more than the limit leaves the stream while nobody reads";
  for (int i = 0; i < 400 && !stream->sent_all(); ++i) {
    WriteRoom(10000);
    turns_ = 0;
  }
  WriteRoom(SIZE_MAX);
  EXPECT_TRUE(stream->sent_all());
  size_t letters = 0;
  char last = 'a';
  for (const char c : peer_.written.substr(3)) {
    if (c < 'a' || c > 't' || c == 'd' || c == 'e') continue;
    EXPECT_GE(c, last);
    last = c;
    ++letters;
  }
  EXPECT_EQ(letters, 18u * 65536);
}

// The whole queue goes out in one write, after which nothing but the body that the codec still has
// would ask for output.
TEST_F(CodecConnectionTest, AFullOutputThatIsWrittenAtOnceDoesNotStallTheRest) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  peer_.write_room = 0;
  SendHead(stream);
  for (int i = 0; i < 20; ++i) stream->SendData(Bytes(65536));
  stream->SendEnd();
  Turn();
  WriteRoom(SIZE_MAX);
  EXPECT_TRUE(stream->sent_all());
  EXPECT_EQ(stream->queued_bytes(), 0u);
}

TEST_F(CodecConnectionTest, ALongAnswerIsNotCutByFinish) {
  Start();
  Feed("F1\n");
  codec()->most_per_produce = 1000;
  SendHead(streams_[0].get());
  streams_[0]->SendData(Bytes(60000, 'q'));
  streams_[0]->SendEnd();
  connection_->Finish(true, WEIR_REASON_NONE);
  Turn();
  EXPECT_EQ(std::count(peer_.written.begin(), peer_.written.end(), 'q'), 60000);
  EXPECT_EQ(peer_.written.substr(peer_.written.size() - 3), "e1\n");
  EXPECT_EQ(peer_.written_at_shut, peer_.written.size());
}

TEST_F(CodecConnectionTest, TrailersFollowTheBody) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  weir_head trailers{};
  SendHead(stream);
  stream->SendData(Bytes(3));
  stream->SendEnd(&trailers);
  Turn();
  EXPECT_EQ(peer_.written, "h1\nd1*xxx\nt1\n");
  EXPECT_TRUE(stream->sent_all());
}

TEST_F(CodecConnectionTest, NothingFollowsAnEnd) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  SendHead(stream);
  codec()->hold_body = true;
  stream->SendData(Bytes(3));
  stream->SendEnd();
  stream->SendData(Bytes(3, 'y'));
  SliceQueue more(&pool_);
  more.Push(Bytes(3, 'z'));
  stream->SendQueue(&more);
  weir_head trailers{};
  stream->SendEnd(&trailers);
  codec()->hold_body = false;
  connection_->GoAway(1);
  Turn();
  EXPECT_EQ(peer_.written, "h1\ng1\nd1*xxx\ne1\n");
}

TEST_F(CodecConnectionTest, SentIsSaidOnceAndAfterTheOutput) {
  Start();
  Feed("F1\n");
  Log();
  SendHead(streams_[0].get());
  streams_[0]->SendData(Bytes(5));
  streams_[0]->SendEnd();
  EXPECT_EQ(Log(), "");
  Turn();
  EXPECT_EQ(Log(), "taken5 sent drained ");
  EXPECT_FALSE(streams_[0]->bound());
}

TEST_F(CodecConnectionTest, AStreamOpenedAgainStartsEmpty) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  codec()->hold_body = true;
  SendHead(stream);
  stream->SendData(Bytes(100));
  stream->SendEnd();
  Feed("R1\n");
  EXPECT_FALSE(stream->bound());
  ASSERT_TRUE(connection_->Open(stream));
  codec()->hold_body = false;
  EXPECT_EQ(stream->queued_bytes(), 0u);
  EXPECT_FALSE(stream->end_queued());
  SendHead(stream, true);
  Turn();
  EXPECT_EQ(peer_.written, "h1\nf2\n");
}

TEST_F(CodecConnectionTest, AFailedWriteResetsEveryStreamOnce) {
  Start();
  Feed("H1\nH2\n");
  Log();
  peer_.write_fails = true;
  SendHead(streams_[0].get());
  SendHead(streams_[1].get());
  Turn();
  EXPECT_EQ(Log(), "reset2 reset2 gone2 ");
  io_ = nullptr;
}

TEST_F(CodecConnectionTest, AnAnswerThatCameBeforeAFailedWriteIsStillRead) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  SendHead(stream);
  Turn();
  Log();
  peer_.to_read = "H1\nD1*too large\nE1\n";
  peer_.write_fails = true;
  // The write fails before the event loop has told of the bytes.
  stream->SendData(Bytes(100));
  Turn();
  EXPECT_EQ(stream->body, "too large");
}

TEST_F(CodecConnectionTest, WhatWaitsInAPartlyWrittenOutputPinsLittle) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  peer_.write_room = 0;
  Slab* large = pool_.Take(262144);
  std::memset(large->data(), 'x', 262144);
  SendHead(stream);
  stream->SendData(Slice(large, large->data(), 1500));
  Turn();
  receive_.Drop();
  EXPECT_LE(pool_.pinned_bytes(), 16384u);
}

// ---- Before the connection stands

TEST_F(CodecConnectionTest, WhatIsSentBeforeTheConnectIsDoneFollowsIt) {
  peer_.connected = false;
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  SendHead(stream);
  stream->SendData(Bytes(3));
  Turn();
  EXPECT_EQ(peer_.written, "");
  peer_.connected = true;
  io_->Wake(false, true);
  Turn();
  EXPECT_EQ(Log().substr(0, 10), "connected ");
  EXPECT_EQ(peer_.written, "h1\nd1*xxx\n");
}

TEST_F(CodecConnectionTest, AFailedConnectEndsTheConnection) {
  peer_.connected = false;
  Start(WEIR_CLIENT);
  peer_.write_fails = true;
  io_->Wake(true, true);
  Turn();
  EXPECT_EQ(Log(), "gone6 ");
}

// ---- The end

TEST_F(CodecConnectionTest, TheLastAnswerIsFollowedByOurFinAndWhatComesIsDropped) {
  Start();
  Feed("H1\n");
  codec()->close = true;
  SendHead(streams_[0].get(), true);
  Turn();
  EXPECT_EQ(peer_.written, "f1\n");
  EXPECT_TRUE(peer_.shut);
  EXPECT_FALSE(peer_.closed) << "closing with unread bytes would be a RST";
  Log();
  Feed("D1*the rest of the request\nH2\n");
  EXPECT_EQ(peer_.to_read, "");
  EXPECT_EQ(Log(), "") << "dropped, not parsed";
  FeedFin();
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecConnectionTest, LingeringIsBoundedInTime) {
  Start();
  connection_->set_linger_ms(1000);
  Feed("F1\n");
  codec()->close = true;
  SendHead(streams_[0].get(), true);
  Turn();
  Advance(900);
  EXPECT_FALSE(peer_.closed);
  Advance(2000);
  EXPECT_TRUE(peer_.closed);
}

// A client in the middle of an upload has sent megabytes before it looks at the answer: closing
// then would be a RST that takes the answer from it.
TEST_F(CodecConnectionTest, LingeringDropsAllThatComesInItsTime) {
  Start();
  connection_->set_linger_ms(1000);
  Feed("F1\n");
  codec()->close = true;
  SendHead(streams_[0].get(), true);
  Turn();
  for (int i = 0; i < 40; ++i) {
    peer_.to_read = std::string(100000, 'x');
    io_->Wake(true, false);
    Turn();
    ASSERT_FALSE(peer_.closed);
    ASSERT_EQ(peer_.to_read.size() < 100000, true) << "it is read";
  }
  Advance(1100);
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecConnectionTest, APeerThatTakesNothingDoesNotKeepAClosingConnection) {
  Start();
  connection_->set_flush_ms(5000);
  Feed("F1\n");
  peer_.write_room = 1;
  codec()->close = true;
  SendHead(streams_[0].get(), true);
  Turn();
  EXPECT_FALSE(peer_.closed);
  Advance(6000);
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecConnectionTest, NoRequestIsTakenOnceTheEndHasBegun) {
  Start();
  Feed("F1\n");
  peer_.write_room = 0;
  SendHead(streams_[0].get(), true);
  connection_->Finish(true, WEIR_REASON_NONE);
  Turn();
  Feed("F2\n");
  EXPECT_EQ(streams_.size(), 1u);
  EXPECT_EQ(connection_->Capacity(), 0u);
  EXPECT_FALSE(connection_->Reusable());
}

TEST_F(CodecConnectionTest, AClientThatIsDoneTakesNoFurtherStream) {
  Start(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  connection_->Finish(true, WEIR_REASON_NONE);
  TestStream late(&pool_, &log_);
  EXPECT_FALSE(connection_->Open(&late));
  Turn();
  EXPECT_EQ(stream->resets, 1);
}

TEST_F(CodecConnectionTest, ATunnelsFinishedHalfIsShutDownAndTheOtherGoesOn) {
  Start();
  Feed("H1\n");
  SendHead(streams_[0].get());
  streams_[0]->SendData(Bytes(3));
  codec()->half = true;
  Turn();
  EXPECT_TRUE(peer_.shut);
  EXPECT_FALSE(peer_.closed);
  Feed("D1*still coming\n");
  EXPECT_EQ(streams_[0]->body, "still coming");
}

TEST_F(CodecConnectionTest, FinishNowEndsEverythingAtOnce) {
  Start();
  Feed("H1\nD1*half a li");
  SendHead(streams_[0].get());
  Log();
  connection_->Finish(false, WEIR_REASON_TIMEOUT);
  EXPECT_EQ(Log(), "reset7 gone7 ");
  Turn();
  EXPECT_TRUE(peer_.closed);
}

// Random segmentation, short writes and answers: what every stream gets is what was sent to it, and
// all of its answer leaves.
TEST_F(CodecConnectionTest, NoSegmentationLosesOrReordersABodyByte) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    std::minstd_rand random(seed);
    streams_.clear();
    peer_ = FakePeer{};
    Start();
    std::string bodies[4];
    std::string wire;
    for (int s = 1; s <= 4; ++s) wire += "H" + std::to_string(s) + "\n";
    for (int i = 0; i < 60; ++i) {
      const int s = static_cast<int>(random() % 4);
      const std::string text(random() % 300 + 1, static_cast<char>('a' + random() % 26));
      bodies[s] += text;
      wire += "D" + std::to_string(s + 1) + "*" + text + "\n";
    }
    while (!wire.empty()) {
      const size_t n = std::min<size_t>(wire.size(), random() % 700 + 1);
      peer_.most_per_read = random() % 500 + 1;
      Feed(wire.substr(0, n));
      wire.erase(0, n);
      turns_ = 0;
      if (streams_.size() == 4) streams_[random() % 4]->keep = true;
    }
    ASSERT_EQ(streams_.size(), 4u);
    for (size_t s = 0; s < 4; ++s) ASSERT_EQ(streams_[s]->body, bodies[s]) << "seed " << seed;
    connection_->Finish(false, WEIR_REASON_NONE);
    Turn();
  }
}

}  // namespace
}  // namespace weir::http
