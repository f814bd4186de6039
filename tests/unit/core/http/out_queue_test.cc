#include "core/http/out_queue.h"

#include <cstring>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/fake_io.h"

namespace weir::http {
namespace {

using base::Slab;
using base::SlabPool;
using base::Slice;

class OutQueueTest : public testing::Test {
 protected:
  ~OutQueueTest() override {
    out_.Clear();
    EXPECT_EQ(pool_.pinned_bytes(), 0u);
  }
  Slice Bytes(size_t size, char fill) {
    Slab* slab = pool_.Take(static_cast<uint32_t>(size));
    std::memset(slab->data(), fill, size);
    return Slice(slab, slab->data(), size);
  }
  void Write(const std::string& text) {
    out_.Room(text.size());
    std::memcpy(out_.at, text.data(), text.size());
    out_.at += text.size();
  }

  SlabPool pool_;
  OutQueue out_{&pool_};
  test::FakePeer peer_;
  test::FakeIo io_{&peer_};
};

TEST_F(OutQueueTest, FramingAndBodiesKeepTheirOrder) {
  Write("head ");
  out_.Push(Bytes(2000, 'b'));
  Write("frame ");
  out_.Push(Bytes(5, 's'));
  EXPECT_EQ(out_.bytes(), 5u + 2000 + 6 + 5);
  EXPECT_EQ(out_.WriteTo(&io_), 2016);
  EXPECT_EQ(peer_.written, "head " + std::string(2000, 'b') + "frame sssss");
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(pool_.pinned_bytes(), 0u) << "an empty queue holds no memory";
}

TEST_F(OutQueueTest, RoomKeepsWhatWasWritten) {
  std::string all;
  for (int i = 1; i < 60; ++i) {
    const std::string text(static_cast<size_t>(i) * 997 % 65536 + 1,
                           static_cast<char>('a' + i % 26));
    Write(text);
    all += text;
  }
  EXPECT_EQ(out_.bytes(), all.size());
  EXPECT_EQ(out_.WriteTo(&io_), static_cast<ssize_t>(all.size()));
  EXPECT_EQ(peer_.written, all);
}

TEST_F(OutQueueTest, TakeMovesExactlySoMuch) {
  SliceQueue body(&pool_);
  body.Push(Bytes(3000, 'a'));
  body.Push(Bytes(10, 'b'));
  out_.Take(&body, 2999);
  EXPECT_EQ(body.bytes(), 11u);
  out_.Take(&body, 2);
  out_.Take(&body, 9);
  EXPECT_TRUE(body.empty());
  out_.WriteTo(&io_);
  EXPECT_EQ(peer_.written, std::string(3000, 'a') + std::string(10, 'b'));
}

TEST_F(OutQueueTest, AFailedWriteIsSaid) {
  Write("x");
  peer_.write_fails = true;
  EXPECT_EQ(out_.WriteTo(&io_), net::kFailed);
}

TEST_F(OutQueueTest, ABlockedWriteKeepsTheRest) {
  Write("hello");
  peer_.write_room = 2;
  EXPECT_EQ(out_.WriteTo(&io_), 2);
  out_.Compact();
  Write(" world");
  peer_.write_room = SIZE_MAX;
  EXPECT_EQ(out_.WriteTo(&io_), 9);
  EXPECT_EQ(peer_.written, "hello world");
}

// Control output for a peer that reads nothing: it costs what it holds.
TEST_F(OutQueueTest, SmallOutputThatWaitsSharesItsSlabs) {
  peer_.write_room = 0;
  for (int i = 0; i < 10000; ++i) {
    Write("0123456789");
    out_.WriteTo(&io_);
    out_.Compact();
  }
  EXPECT_EQ(out_.bytes(), 100000u);
  EXPECT_LE(pool_.pinned_bytes(), 262144u);
}

TEST_F(OutQueueTest, RandomWritesInRandomCutsAreTheBytesInOrder) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::minstd_rand random(seed);
    peer_ = test::FakePeer{};
    std::string all;
    for (int i = 0; i < 300; ++i) {
      const std::string text(random() % (random() % 5 == 0 ? 9000 : 100) + 1,
                             static_cast<char>('a' + random() % 26));
      if (random() % 2 == 0) {
        Write(text);
      } else {
        out_.Push(Bytes(text.size(), text[0]));
      }
      all += text;
      peer_.write_room = random() % 4000;
      out_.WriteTo(&io_);
      if (!out_.empty()) out_.Compact();
    }
    peer_.write_room = SIZE_MAX;
    while (!out_.empty()) ASSERT_GE(out_.WriteTo(&io_), 0);
    ASSERT_EQ(peer_.written, all) << seed;
  }
}

}  // namespace
}  // namespace weir::http
