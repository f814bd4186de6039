#include "core/http/slice_queue.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

using base::Slab;
using base::SlabPool;
using base::Slice;

std::string Text(SliceQueue* queue) {
  std::string text;
  for (uint32_t i = 0; i < queue->count(); ++i) {
    text.append(reinterpret_cast<const char*>(queue->at(i).data()), queue->at(i).size());
  }
  EXPECT_EQ(text.size(), queue->bytes());
  return text;
}

std::string Bytes(size_t size, uint32_t seed = 1) {
  std::string text(size, '\0');
  std::minstd_rand random(seed);
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

class SliceQueueTest : public testing::Test {
 protected:
  ~SliceQueueTest() override {
    queue_.Clear();
    EXPECT_EQ(pool_.pinned_bytes(), 0u);
  }
  // A slab with `text`, of which slices are cut.
  Slab* Fill(const std::string& text, uint32_t size) {
    Slab* slab = pool_.Take(size);
    std::memcpy(slab->data(), text.data(), text.size());
    return slab;
  }

  SlabPool pool_;
  SliceQueue queue_{&pool_};
};

TEST_F(SliceQueueTest, AnEmptyQueueHoldsNoMemory) {
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.bytes(), 0u);
  queue_.Append("", 0);
  queue_.Append(nullptr, 0);
  queue_.Push(Slice());
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(pool_.pinned_bytes(), 0u);
}

TEST_F(SliceQueueTest, NeighboursInMemoryBecomeOneSlice) {
  Slab* slab = Fill("hello world", 1024);
  queue_.Push(Slice::Of(slab, slab->data(), 5));
  queue_.Push(Slice::Of(slab, slab->data() + 5, 6));
  EXPECT_EQ(queue_.count(), 1u);
  EXPECT_EQ(Text(&queue_), "hello world");
  queue_.Push(Slice::Of(slab, slab->data(), 5));
  EXPECT_EQ(queue_.count(), 2u);
  EXPECT_EQ(Text(&queue_), "hello worldhello");
  SlabPool::Release(slab);
}

TEST_F(SliceQueueTest, DrainCutsInsideAndAcrossSlices) {
  const std::string text = Bytes(100000);
  queue_.Append(text.data(), 50000);
  Slab* slab = Fill(text.substr(50000), 65536);
  queue_.Push(Slice(slab, slab->data(), 50000));
  queue_.Drain(0);
  queue_.Drain(49999);
  EXPECT_EQ(Text(&queue_), text.substr(49999));
  queue_.Drain(2);
  EXPECT_EQ(Text(&queue_), text.substr(50001));
  queue_.Drain(queue_.bytes());
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(pool_.pinned_bytes(), 0u);
}

TEST_F(SliceQueueTest, StaticMemoryHasNoSlab) {
  static const uint8_t kText[] = "static text";
  queue_.Push(Slice(nullptr, kText, 6));
  queue_.Push(Slice(nullptr, kText + 6, 5));
  EXPECT_EQ(Text(&queue_), "static text");
  queue_.Compact();
  queue_.Append("!", 1);
  EXPECT_EQ(Text(&queue_), "static text!");
}

TEST_F(SliceQueueTest, AppendedBytesShareASlab) {
  std::string all;
  for (int i = 0; i < 10000; ++i) {
    const std::string piece = Bytes(3, static_cast<uint32_t>(i));
    queue_.Append(piece.data(), piece.size());
    all += piece;
  }
  EXPECT_EQ(Text(&queue_), all);
  EXPECT_LE(pool_.pinned_bytes(), 65536u);
}

TEST_F(SliceQueueTest, BytesOfAnotherHolderAreNeverWrittenOver) {
  queue_.Append("abc", 3);
  const Slice shared = queue_.front().Share();
  queue_.Append("def", 3);
  EXPECT_EQ(Text(&queue_), "abcdef");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(shared.data()), shared.size()), "abc");
  // The first slab has a second holder, who may write behind `abc`.
  EXPECT_EQ(queue_.count(), 2u);
}

// A body in chunks of one byte: the slices lie apart, for the chunk sizes stand between them.
TEST_F(SliceQueueTest, ManyTinySlicesNeitherCrashNorPinMuchMoreThanTheyHold) {
  std::string all;
  constexpr int kSlabs = 16;
  for (int s = 0; s < kSlabs; ++s) {
    const std::string text = Bytes(262144, static_cast<uint32_t>(s));
    Slab* slab = Fill(text, 262144);
    for (uint32_t i = 0; i + 6 <= 262144; i += 6) {
      queue_.Push(Slice::Of(slab, slab->data() + i, 1));
      all += text[i];
    }
    SlabPool::Release(slab);
  }
  EXPECT_EQ(queue_.bytes(), all.size());
  EXPECT_EQ(Text(&queue_), all);
  EXPECT_LE(pool_.pinned_bytes(), 2 * all.size() + 2 * 262144);
}

TEST_F(SliceQueueTest, MoreSlicesThanTheRingCanHoldAreMerged) {
  std::string all;
  for (uint32_t i = 0; i < 9000; ++i) {
    const std::string text = Bytes(1024, i);
    Slab* slab = Fill(text, 1024);
    queue_.Push(Slice(slab, slab->data(), 1024));
    all += text;
  }
  EXPECT_EQ(Text(&queue_), all);
  EXPECT_LT(queue_.count(), 8192u);
  queue_.Drain(8999 * 1024);
  EXPECT_EQ(Text(&queue_), all.substr(8999 * 1024));
}

TEST_F(SliceQueueTest, AFullQueueCanAppendItsOwnBytes) {
  std::string all;
  while (queue_.count() < 8190) {
    Slab* slab = Fill(Bytes(1024, queue_.count()), 1024);
    all += Bytes(1024, queue_.count());
    queue_.Push(Slice(slab, slab->data(), 1024));
  }
  const Slice& last = queue_.back();
  all += std::string(reinterpret_cast<const char*>(last.data()), last.size());
  queue_.Append(last.data(), last.size());
  const std::string big = Bytes(500000);
  queue_.Append(big.data(), big.size());
  all += big;
  EXPECT_EQ(Text(&queue_), all);
}

TEST_F(SliceQueueTest, LargeAndTinySlicesInTurnPinLittle) {
  std::string all;
  const std::string text = Bytes(262144);
  for (int round = 0; round < 4; ++round) {
    Slab* slab = Fill(text, 262144);
    for (uint32_t i = 0; i + 1100 <= 262144; i += 1100) {
      queue_.Push(Slice::Of(slab, slab->data() + i, 1024));
      queue_.Push(Slice::Of(slab, slab->data() + i + 1050, 1));
      all += text.substr(i, 1024) + text[i + 1050];
    }
    SlabPool::Release(slab);
  }
  EXPECT_EQ(Text(&queue_), all);
  EXPECT_LE(pool_.pinned_bytes(), 3 * all.size());
}

TEST_F(SliceQueueTest, CompactGivesLargeSlabsBack) {
  const std::string text = Bytes(4096);
  for (int i = 0; i < 8; ++i) {
    Slab* slab = Fill(text, 262144);
    queue_.Push(Slice(slab, slab->data() + i, 100));
  }
  std::string before = Text(&queue_);
  EXPECT_GE(pool_.pinned_bytes(), 8u * 262144);
  queue_.Compact();
  EXPECT_EQ(Text(&queue_), before);
  EXPECT_LE(pool_.pinned_bytes(), 4096u + 1024);
}

TEST_F(SliceQueueTest, CompactKeepsWhatIsUsedWellAndTheNamedSlab) {
  Slab* full = Fill(Bytes(16384), 16384);
  queue_.Push(Slice(full, full->data(), 10000));
  Slab* kept = Fill("0123456789", 16384);
  queue_.Push(Slice::Of(kept, kept->data(), 10));
  queue_.Compact(kept);
  EXPECT_EQ(queue_.at(0).slab(), full);
  EXPECT_EQ(queue_.at(1).slab(), kept);
  queue_.Compact();
  EXPECT_EQ(queue_.at(0).slab(), full);
  EXPECT_NE(queue_.at(1).slab(), kept);
  SlabPool::Release(kept);
}

TEST_F(SliceQueueTest, WhatWasCompactedIsNotCopiedAgain) {
  for (int i = 0; i < 5; ++i) {
    Slab* slab = Fill(Bytes(300), 65536);
    queue_.Push(Slice(slab, slab->data(), 300));
  }
  queue_.Compact();
  std::vector<const uint8_t*> at;
  for (uint32_t i = 0; i < queue_.count(); ++i) at.push_back(queue_.at(i).data());
  queue_.Compact();
  for (uint32_t i = 0; i < queue_.count(); ++i) EXPECT_EQ(queue_.at(i).data(), at[i]);
}

TEST_F(SliceQueueTest, MoveToKeepsTheOrder) {
  SliceQueue other(&pool_);
  other.Append("one ", 4);
  queue_.Append("two ", 4);
  queue_.Append("three", 5);
  queue_.MoveTo(&other);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(Text(&other), "one two three");
}

// Random pushes, appends, drains, pops, moves and compactions against a string.
TEST_F(SliceQueueTest, BehavesAsAStringOfBytes) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    std::minstd_rand random(seed);
    std::string model;
    SliceQueue queue(&pool_);
    for (int step = 0; step < 3000; ++step) {
      const uint32_t action = static_cast<uint32_t>(random() % 10);
      const uint32_t size = static_cast<uint32_t>(random() % (random() % 8 == 0 ? 5000 : 40));
      const std::string text = Bytes(size, static_cast<uint32_t>(random()));
      if (action < 4 && size > 0) {
        Slab* slab = Fill("x" + text, size * (1 + static_cast<uint32_t>(random() % 20)) + 1);
        queue.Push(Slice(slab, slab->data() + 1, size));
        model += text;
      } else if (action < 6) {
        queue.Append(text.data(), text.size());
        model += text;
      } else if (action < 8) {
        const uint64_t n = std::min<uint64_t>(size, model.size());
        queue.Drain(n);
        model.erase(0, n);
      } else if (action == 8 && !queue.empty()) {
        const Slice slice = queue.Pop();
        ASSERT_EQ(std::string(reinterpret_cast<const char*>(slice.data()), slice.size()),
                  model.substr(0, slice.size()));
        model.erase(0, slice.size());
      } else {
        queue.Compact();
      }
      ASSERT_EQ(queue.bytes(), model.size());
    }
    ASSERT_EQ(Text(&queue), model);
  }
}

}  // namespace
}  // namespace weir::http
