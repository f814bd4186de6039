// A codec's deadlines beside those of its connection.
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/core/http/codec_connection_world.h"

namespace weir::http {
namespace {

class CodecTimeTest : public CodecConnectionTest {
 protected:
  void StartTimed(uint64_t deadline) {
    weir_codec_params params{};
    params.struct_size = sizeof params;
    params.position = WEIR_SERVER;
    params.codec_host = CodecHostTable();
    StartWith({{&api_, params}});
    codec()->deadline = deadline;
    Turn();
    connection_->hooks.clear();
  }
  std::string& hooks() { return connection_->hooks; }

  weir_codec_api api_ = ScriptedCodec::TimedApi();
};

TEST_F(CodecTimeTest, ACodecIsCalledWhenItWantedToBeAndItsWordsAreWritten) {
  StartTimed(3'000);
  Advance(1'900);
  EXPECT_EQ(codec()->ticks, "");
  codec()->deadline = 0;
  Advance(200);
  EXPECT_EQ(codec()->ticks, "3100 ");
  EXPECT_EQ(peer_.written, "w0\n");
  Advance(100'000);
  EXPECT_EQ(codec()->ticks, "3100 ");
}

TEST_F(CodecTimeTest, ADeadlineIsAskedForAfterEveryTurnWithOutput) {
  StartTimed(0);
  codec()->deadline = 2'000;
  Feed("H1\n");
  Advance(1'100);
  EXPECT_NE(codec()->ticks, "");
}

TEST_F(CodecTimeTest, ADeadlineThatIsTakenBackIsNotKept) {
  StartTimed(2'000);
  codec()->deadline = 0;
  Feed("H1\n");
  Advance(5'000);
  EXPECT_EQ(codec()->ticks, "");
}

TEST_F(CodecTimeTest, NeitherTheCodecsDeadlineNorTheConnectionsMovesTheOther) {
  StartTimed(5'000);
  connection_->SetOwnDeadline(3'000);
  Advance(2'100);
  EXPECT_EQ(hooks(), "deadline ");
  EXPECT_EQ(codec()->ticks, "");
  codec()->deadline = 0;
  Advance(2'000);
  EXPECT_EQ(codec()->ticks, "5100 ");
  EXPECT_EQ(hooks(), "deadline ");
}

TEST_F(CodecTimeTest, AConnectionsDeadlineOutlivesATick) {
  StartTimed(2'000);
  connection_->SetOwnDeadline(4'000);
  codec()->deadline = 0;
  Advance(1'100);
  EXPECT_EQ(codec()->ticks, "2100 ");
  EXPECT_EQ(hooks(), "");
  Advance(2'000);
  EXPECT_EQ(hooks(), "deadline ");
}

TEST_F(CodecTimeTest, ACodecThatStaysDueDoesNotKeepTheWorkerTurning) {
  StartTimed(1'500);
  Advance(600);
  EXPECT_GE(codec()->ticks.size(), 5u);
  EXPECT_LT(turns_, 100);
}

TEST_F(CodecTimeTest, AConnectionThatEndsHasOnlyItsEndsDeadline) {
  StartTimed(20'000);
  connection_->set_flush_ms(500);
  codec()->hold_body = true;
  Feed("H1\n");
  WriteRoom(0);
  connection_->GoAway(1);
  connection_->Finish(true, WEIR_REASON_TIMEOUT);
  Turn();
  connection_->SetOwnDeadline(9'000'000);
  EXPECT_FALSE(peer_.closed);
  Advance(600);
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecTimeTest, WhereStreamsShareTheConnectionItsErrorEndsAllOfThemAndTheLastWordsAreSent) {
  StartTimed(0);
  Feed("H1\nH2\n");
  Log();
  Feed("X0\nH3\n");
  EXPECT_EQ(Log(), "reset4 reset4 ");
  EXPECT_EQ(peer_.written, "r1\nr2\n");
  EXPECT_TRUE(peer_.shut);
  FeedFin();
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecTimeTest, AnErrorWithoutAStatusOfAStreamThatNobodyHasIsToldAndTouchesNoOther) {
  StartTimed(0);
  Log();
  Feed("x5\nH1\n");
  EXPECT_EQ(Log(), "reset4 head drained ") << "it is made to be counted and logged";
  EXPECT_EQ(streams_.size(), 2u);
  EXPECT_EQ(codec()->resets, "");
}

}  // namespace
}  // namespace weir::http
