#include "core/server/filtered_io.h"

#include <cerrno>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/server/plugin_connection.h"
#include "tests/support/fake_io.h"
#include "tests/unit/core/server/chain_world.h"

namespace weir::server {
namespace {

// The terminal filter's side of a FilteredIo.
class FilteredIoTest : public ChainTest {
 protected:
  struct Terminal final : net::IoClient {
    void OnIo(bool readable, bool writable) override {
      ++calls;
      if (writable) ++writable_calls;
      EXPECT_TRUE(!readable || io->readable());
      EXPECT_TRUE(!writable || io->writable());
    }
    std::string Read() {
      uint8_t room[65536];
      const ssize_t size = io->Read(room, sizeof(room));
      if (size == net::kAgain) return "<again>";
      return size == net::kFailed
                 ? "<failed>"
                 : std::string(reinterpret_cast<char*>(room), static_cast<size_t>(size));
    }
    ssize_t Write(std::string_view text) {
      const iovec piece = {const_cast<char*>(text.data()), text.size()};
      return io->Write(&piece, 1);
    }
    std::unique_ptr<FilteredIo> io;
    int calls = 0;
    int writable_calls = 0;
  };
  void TearDown() override {
    if (peer_ >= 0) ChainTest::TearDown();
  }
  void ClosePeer() {
    close(peer_);
    peer_ = -1;
  }
  // What the client can read now, after a turn.
  std::string HearSome() {
    Turns(1);
    const std::string piece = Hear();
    return piece == "<nothing>" ? "" : piece;
  }
  // What the client can read without the worker's doing.
  std::string HearWithoutTurns() {
    std::string all;
    for (std::string piece = Hear(); piece != "<nothing>" && !piece.empty(); piece = Hear())
      all += piece;
    return all;
  }
  // All until the FIN.
  std::string HearAll() {
    std::string all;
    for (int i = 0; i < 10'000; ++i) {
      Turns(1);
      const std::string piece = Hear();
      if (piece.empty()) return all;
      if (piece != "<nothing>") all += piece;
    }
    return all + "<no end>";
  }
  // What is taken from a client that sends as long as it can.
  size_t SayUntilFull() {
    const std::string block(65'536, 'x');
    size_t sent = 0;
    for (int idle = 0; idle < 10;) {
      const ssize_t put = write(peer_, block.data(), block.size());
      idle = put > 0 ? 0 : idle + 1;
      if (put > 0) sent += static_cast<size_t>(put);
      Turns(1);
    }
    return sent;
  }
  bool Start() {
    terminal_.io = std::make_unique<FilteredIo>(std::move(socket_), &worker_, &chain_, kLimit,
                                                net::Address(), net::Address());
    const bool wanted = terminal_.io->Start();
    terminal_.io->set_client(&terminal_);
    return wanted;
  }
  Terminal terminal_;
};

TEST_F(FilteredIoTest, TheTerminalReadsWhatAllFiltersLetPass) {
  first_.data = [](weir_connection* c, bool) {
    if (Received(c).starts_with("X")) NetworkApi()->drain(c, 1);
    return WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  Say("Xab");
  Turns();
  EXPECT_GT(terminal_.calls, 0);
  EXPECT_EQ(terminal_.Read(), "ab");
  EXPECT_EQ(terminal_.Read(), "<again>");
  EXPECT_FALSE(terminal_.io->readable());
  Say("cd");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(terminal_.Read(), "cd");
  EXPECT_TRUE(terminal_.io->readable()) << "a FIN is to be read";
  EXPECT_EQ(terminal_.Read(), "");
  EXPECT_FALSE(terminal_.io->readable());
}

TEST_F(FilteredIoTest, NothingPassesAFilterThatStops) {
  weir_ticket ticket{};
  second_.data = [&](weir_connection* c, bool) {
    return ticket = NetworkApi()->ticket(c), WEIR_STOP;
  };
  ASSERT_TRUE(Start());
  Say("ab");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(terminal_.Read(), "<again>");
  NetworkApi()->resume(ticket);
  Turns();
  EXPECT_EQ(terminal_.Read(), "ab");
  EXPECT_EQ(terminal_.Read(), "");
}

TEST_F(FilteredIoTest, TheTerminalsBytesGoStraightToTheClient) {
  ASSERT_TRUE(Start());
  Turns();
  EXPECT_TRUE(terminal_.io->writable());
  EXPECT_EQ(terminal_.Write("hello"), 5);
  EXPECT_EQ(Hear(), "hello");
  terminal_.io->ShutdownWrite();
  EXPECT_EQ(Hear(), "");
}

TEST_F(FilteredIoTest, WhatAFilterWritesGoesFirst) {
  first_.new_connection = [](weir_connection* c) {
    return NetworkApi()->write(c, View("banner "), 0), WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  EXPECT_EQ(terminal_.Write("hello"), 5);
  EXPECT_EQ(Hear(), "banner hello");
}

TEST_F(FilteredIoTest, AConnectionThatAFilterResetsAtOnceIsNotServed) {
  first_.new_connection = [](weir_connection* c) {
    NetworkApi()->write(c, View("no"), 0);
    NetworkApi()->close(c, 0);
    return WEIR_STOP;
  };
  EXPECT_FALSE(Start());
  terminal_.io.reset();
  Turns();
}

TEST_F(FilteredIoTest, AFilterThatClosesAtOnceHasItsLastWordHeard) {
  for (const size_t size : {size_t{2}, size_t{3'000'000}}) {
    const std::string word(size, 'n');
    first_.new_connection = [&](weir_connection* c) {
      NetworkApi()->write(c, View(word), 0);
      NetworkApi()->close(c, 1);
      return WEIR_STOP;
    };
    Say("unread bytes would make the close a reset");
    ASSERT_TRUE(Start());
    EXPECT_FALSE(terminal_.io->readable());
    EXPECT_FALSE(terminal_.io->writable());
    EXPECT_EQ(terminal_.Read(), "<again>");
    EXPECT_EQ(HearAll(), word);
    EXPECT_EQ(terminal_.calls, 0) << "it waits for the client's end";
    Say("more");
    shutdown(peer_, SHUT_WR);
    Turns();
    EXPECT_EQ(terminal_.Read(), "<failed>");
    EXPECT_EQ(terminal_.io->error(), ECONNABORTED);
    terminal_ = Terminal();
    TearDown();
    NewSocket();
  }
}

TEST_F(FilteredIoTest, AClientThatNeverEndsIsNotWaitedForLong) {
  first_.new_connection = [&](weir_connection* c) { return NetworkApi()->close(c, 1), WEIR_STOP; };
  ASSERT_TRUE(Start());
  const uint64_t begin = net::EventLoop::MonotonicMs();
  while (terminal_.calls == 0 && net::EventLoop::MonotonicMs() < begin + 5000) loop_.Turn(true);
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_GE(net::EventLoop::MonotonicMs(), begin + kLingerMs - 100);
}

TEST_F(FilteredIoTest, AFilterThatClosesLaterIsAFailureToTheTerminal) {
  second_.data = [](weir_connection* c, bool) { return NetworkApi()->close(c, 0), WEIR_STOP; };
  ASSERT_TRUE(Start());
  Say("a");
  Turns();
  EXPECT_GT(terminal_.calls, 0);
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_EQ(terminal_.Write("x"), net::kFailed);
  EXPECT_EQ(terminal_.io->error(), ECONNABORTED);
}

TEST_F(FilteredIoTest, LargeInputArrivesWhole) {
  ASSERT_TRUE(Start());
  std::string sent, heard;
  for (int i = 0; i < 50; ++i) {
    const std::string block(20000, static_cast<char>('a' + i % 26));
    Say(block);
    sent += block;
    Turns(2);
    while (terminal_.io->readable()) heard += terminal_.Read();
  }
  EXPECT_EQ(heard, sent);
}

// ---- Half-close

TEST_F(FilteredIoTest, AfterTheClientsFinTheAnswerStillGoesOut) {
  ASSERT_TRUE(Start());
  Say("ask");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(terminal_.Read(), "ask");
  EXPECT_EQ(terminal_.Read(), "");
  EXPECT_EQ(terminal_.Read(), "") << "a FIN stays one";
  EXPECT_TRUE(terminal_.io->writable());
  EXPECT_EQ(terminal_.Write("answer"), 6);
  terminal_.io->ShutdownWrite();
  EXPECT_EQ(Hear(), "answer");
  EXPECT_EQ(Hear(), "");
}

TEST_F(FilteredIoTest, AfterOurFinTheClientIsStillRead) {
  ASSERT_TRUE(Start());
  terminal_.io->ShutdownWrite();
  Turns();
  EXPECT_EQ(Hear(), "");
  Say("late");
  Turns();
  EXPECT_EQ(terminal_.Read(), "late");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(terminal_.Read(), "");
}

TEST_F(FilteredIoTest, OurFinGoesBehindWhatTheFiltersWrote) {
  const std::string banner(3'000'000, 'b');
  first_.new_connection = [&](weir_connection* c) {
    return NetworkApi()->write(c, View(banner), 0), WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  EXPECT_FALSE(terminal_.io->writable()) << "the socket is full of the filter's bytes";
  EXPECT_EQ(terminal_.Write("x"), net::kAgain);
  terminal_.io->ShutdownWrite();
  EXPECT_EQ(HearAll(), banner);
}

TEST_F(FilteredIoTest, NothingFollowsAFiltersOwnEnd) {
  second_.data = [](weir_connection* c, bool) {
    return NetworkApi()->write(c, View("bye"), 1), WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  Say("a");
  Turns();
  EXPECT_EQ(terminal_.Write("more"), net::kFailed);
  EXPECT_EQ(terminal_.io->error(), EPIPE);
  EXPECT_EQ(HearAll(), "bye");
  EXPECT_EQ(terminal_.Read(), "a") << "the other half goes on";
}

// ---- Failures

TEST_F(FilteredIoTest, WhatCameBeforeAFailureIsDelivered) {
  ASSERT_TRUE(Start());
  EXPECT_EQ(terminal_.Write("unread: the close becomes a reset"), 33);
  Say("ab");
  ClosePeer();
  Turns();
  EXPECT_GT(terminal_.calls, 0);
  EXPECT_EQ(terminal_.Read(), "ab");
  EXPECT_TRUE(terminal_.io->readable()) << "the failure is to be read";
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_EQ(terminal_.io->error(), ECONNRESET);
  EXPECT_EQ(terminal_.Write("x"), net::kFailed);
}

TEST_F(FilteredIoTest, WhatAFilterHoldsIsNotDeliveredAtAFailure) {
  second_.data = [](weir_connection*, bool) { return WEIR_STOP; };
  ASSERT_TRUE(Start());
  EXPECT_EQ(terminal_.Write("unread"), 6);
  Say("ab");
  ClosePeer();
  Turns();
  EXPECT_EQ(terminal_.Read(), "<failed>");
}

TEST_F(FilteredIoTest, AFilterThatClosesTakesBackWhatWasNotReadYet) {
  int pieces = 0;
  second_.data = [&](weir_connection* c, bool) -> int32_t {
    if (++pieces == 1) return WEIR_CONTINUE;
    NetworkApi()->close(c, 0);
    return WEIR_STOP;
  };
  ASSERT_TRUE(Start());
  Say("first");
  Turns();
  Say("second");
  Turns();
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_EQ(terminal_.io->error(), ECONNABORTED);
}

TEST_F(FilteredIoTest, AFilterThatClosesAfterItsWordsHasThemSent) {
  const std::string words(3'000'000, 'w');
  second_.data = [&](weir_connection* c, bool) {
    NetworkApi()->write(c, View(words), 0);
    NetworkApi()->close(c, 1);
    return WEIR_STOP;
  };
  ASSERT_TRUE(Start());
  Say("a");
  Turns();
  EXPECT_EQ(terminal_.Read(), "<again>") << "they are on their way";
  EXPECT_EQ(terminal_.Write("x"), net::kAgain) << "nothing goes between them";
  std::string heard;
  for (int i = 0; i < 1000 && heard.size() < words.size(); ++i) heard += HearSome();
  EXPECT_EQ(heard, words);
  ClosePeer();
  Turns();
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_EQ(terminal_.io->error(), ECONNABORTED);
}

TEST_F(FilteredIoTest, AnEndedConnectionLeavesNothingDeferredBehind) {
  second_.data = [](weir_connection* c, bool) { return NetworkApi()->close(c, 0), WEIR_STOP; };
  ASSERT_TRUE(Start());
  Say("a");
  Turns();
  EXPECT_EQ(terminal_.Read(), "<failed>");
  terminal_.io.reset();
  Turns();
  EXPECT_EQ(first_.alive + second_.alive, 0);
}

// ---- Watermarks

TEST_F(FilteredIoTest, ATerminalThatDoesNotReadStopsTheReading) {
  ASSERT_TRUE(Start());
  const size_t sent = SayUntilFull();
  ASSERT_GT(sent, 2 * kLimit);
  // The limit, and one read that began below it.
  EXPECT_LE(pool_.pinned_bytes(), kLimit + 2 * 262'144u);
  size_t got = 0;
  for (int i = 0; i < 10'000 && got < sent; ++i) {
    Turns(1);
    while (terminal_.io->readable()) got += terminal_.Read().size();
  }
  EXPECT_EQ(got, sent);
}

TEST_F(FilteredIoTest, AFilterThatHoldsTheLimitStopsTheReadingUntilItLetsGo) {
  weir_ticket ticket{};
  bool hold = true;
  first_.data = [&](weir_connection* c, bool) {
    ticket = NetworkApi()->ticket(c);
    return hold ? WEIR_STOP : WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  const size_t sent = SayUntilFull();
  EXPECT_EQ(terminal_.Read(), "<again>");
  EXPECT_FALSE(terminal_.io->readable());
  EXPECT_LE(pool_.pinned_bytes(), kLimit + 2 * 262'144u);
  hold = false;
  const int calls = terminal_.calls;
  EXPECT_EQ(NetworkApi()->resume(ticket), WEIR_OK);
  Turns();
  EXPECT_GT(terminal_.calls, calls) << "no edge will come: it is told";
  size_t got = 0;
  for (int i = 0; i < 10'000 && got < sent; ++i) {
    Turns(1);
    while (terminal_.io->readable()) got += terminal_.Read().size();
  }
  EXPECT_EQ(got, sent);
}

// One edge, and more bytes than one turn reads: while filters keep them all, the terminal hears of
// nothing and cannot ask for the rest.
TEST_F(FilteredIoTest, WhatFiltersKeepIsReadOnWithoutTheTerminal) {
  test::FakePeer peer;
  auto inner = std::make_unique<test::FakeIo>(&peer);
  test::FakeIo* fake = inner.get();
  uint64_t kept = 0;
  first_.data = [&](weir_connection* c, bool) {
    kept += NetworkApi()->data_size(c);
    NetworkApi()->drain(c, NetworkApi()->data_size(c));
    return WEIR_CONTINUE;
  };
  terminal_.io = std::make_unique<FilteredIo>(std::move(inner), &worker_, &chain_, kLimit,
                                              net::Address(), net::Address());
  ASSERT_TRUE(terminal_.io->Start());
  terminal_.io->set_client(&terminal_);
  peer.to_read = std::string(3'000'000, 'x');
  peer.fin = true;
  fake->Wake(true, false);
  EXPECT_EQ(terminal_.calls, 0);
  EXPECT_LT(kept, 1'000'000u) << "other connections have their turn";
  Turns(20);
  EXPECT_EQ(kept, 3'000'000u);
  EXPECT_EQ(terminal_.Read(), "");
  terminal_.io.reset();
}

TEST_F(FilteredIoTest, WhatAFilterWritesIntoRegainedRoomNeedsNoFurtherEdge) {
  const std::string block(300'000, 'b');
  int refills = 0;
  first_.new_connection = [&](weir_connection* c) {
    return NetworkApi()->write(c, View(block), 0), WEIR_CONTINUE;
  };
  first_.writable = [&](weir_connection* c) {
    if (++refills <= 20) NetworkApi()->write(c, View(block), 0);
  };
  ASSERT_TRUE(Start());
  EXPECT_FALSE(terminal_.io->writable());
  size_t heard = 0;
  for (int i = 0; i < 10'000 && heard < 21 * block.size(); ++i) heard += HearSome().size();
  EXPECT_EQ(heard, 21 * block.size());
  EXPECT_EQ(refills, 21);
  EXPECT_TRUE(terminal_.io->writable());
  EXPECT_GT(terminal_.writable_calls, 0) << "it was blocked, and is told that it is not";
  EXPECT_EQ(terminal_.Write("x"), 1);
}

TEST_F(FilteredIoTest, WhatAFilterAddsToItsLastBytesLeavesInTheSameTurn) {
  const std::string block(300'000, 'b');
  bool added = false;
  first_.new_connection = [&](weir_connection* c) {
    return NetworkApi()->write(c, View(block), 0), WEIR_CONTINUE;
  };
  first_.writable = [&](weir_connection* c) {
    if (!added) NetworkApi()->write(c, View("the end"), 0);
    added = true;
  };
  ASSERT_TRUE(Start());
  std::string heard = HearWithoutTurns();
  ASSERT_LT(heard.size(), block.size());
  while (!added && heard.size() < block.size()) {
    Turns(1);
    heard += HearWithoutTurns();
  }
  EXPECT_EQ(heard, block + "the end") << "there was room: nobody else would have woken it";
}

TEST_F(FilteredIoTest, AFilterThatClosesUnderTheTerminalsWriteIsAFailureToIt) {
  const std::string block(300'000, 'b');
  first_.new_connection = [&](weir_connection* c) {
    return NetworkApi()->write(c, View(block), 0), WEIR_CONTINUE;
  };
  first_.writable = [](weir_connection* c) { NetworkApi()->close(c, 1); };
  ASSERT_TRUE(Start());
  std::string heard = HearWithoutTurns();
  ASSERT_LT(heard.size(), block.size());
  ssize_t put = net::kAgain;
  for (int i = 0; i < 10; ++i) {
    put = terminal_.Write("x");
    heard += HearWithoutTurns();
  }
  EXPECT_EQ(heard, block);
  EXPECT_EQ(put, net::kAgain) << "nothing follows the filter's last word";
  const int calls = terminal_.calls;
  ClosePeer();
  Turns();
  EXPECT_GT(terminal_.calls, calls);
  EXPECT_EQ(terminal_.Read(), "<failed>");
}

TEST_F(FilteredIoTest, AFilterMayCloseWhenItsOutputIsOut) {
  const std::string block(3'000'000, 'b');
  first_.new_connection = [&](weir_connection* c) {
    return NetworkApi()->write(c, View(block), 0), WEIR_CONTINUE;
  };
  first_.writable = [&](weir_connection* c) { NetworkApi()->close(c, 1); };
  ASSERT_TRUE(Start());
  std::string heard;
  for (int i = 0; i < 1000 && heard.size() < block.size(); ++i) heard += HearSome();
  EXPECT_EQ(heard, block);
  ClosePeer();
  Turns();
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_EQ(terminal_.io->error(), ECONNABORTED);
}

TEST_F(FilteredIoTest, Pitfall10AFilterHearsOfRoomOnlyAfterItHeardOfTheConnection) {
  const std::string block(3'000'000, 'b');
  bool introduced = false;
  int early = 0, first_heard = 0;
  first_.new_connection = [&](weir_connection* c) {
    return NetworkApi()->write(c, View(block), 0), WEIR_STOP;
  };
  first_.writable = [&](weir_connection*) { ++first_heard; };
  second_.new_connection = [&](weir_connection*) { return introduced = true, WEIR_CONTINUE; };
  second_.writable = [&](weir_connection*) { early += introduced ? 0 : 1; };
  ASSERT_TRUE(Start());
  size_t heard = 0;
  for (int i = 0; i < 1000 && heard < block.size(); ++i) heard += HearSome().size();
  EXPECT_EQ(heard, block.size());
  EXPECT_GT(first_heard, 0);
  EXPECT_FALSE(introduced);
  EXPECT_EQ(early, 0);
}

}  // namespace
}  // namespace weir::server
