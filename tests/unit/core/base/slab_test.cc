#include "core/base/slab.h"

#include <cstring>
#include <utility>

#include <gtest/gtest.h>

#include "core/base/arena.h"

namespace weir::base {
namespace {

TEST(SlabPoolTest, GivesTheSmallestSizeThatFits) {
  SlabPool pool;
  for (const auto& [want, size] : {std::pair{0u, 1024u},
                                   {1024u, 1024u},
                                   {1025u, 4096u},
                                   {65536u, 65536u},
                                   {65537u, 262144u},
                                   {262144u, 262144u}}) {
    Slab* slab = pool.Take(want);
    EXPECT_EQ(slab->size, size);
    SlabPool::Release(slab);
  }
}

TEST(SlabPoolTest, TheLastReleasedIsTheNextTaken) {
  SlabPool pool;
  Slab* a = pool.Take(4096);
  Slab* b = pool.Take(4096);
  SlabPool::Release(a);
  SlabPool::Release(b);
  EXPECT_EQ(pool.Take(4096), b);
  EXPECT_EQ(pool.Take(4096), a);
  SlabPool::Release(a);
  SlabPool::Release(b);
}

TEST(SlabPoolTest, CountsWhatIsHeldAndBoundsWhatIsKept) {
  SlabPool pool(8192);
  Slab* slabs[4];
  for (Slab*& slab : slabs) slab = pool.Take(4096);
  EXPECT_EQ(pool.pinned_bytes(), 4 * 4096u);
  for (Slab* slab : slabs) SlabPool::Release(slab);
  EXPECT_EQ(pool.pinned_bytes(), 0u);
  EXPECT_EQ(pool.cached_bytes(), 8192u);
  pool.Trim();
  EXPECT_EQ(pool.cached_bytes(), 0u);
}

TEST(SlabPoolTest, PaddingCanBeReadAndIsDefined) {
  SlabPool pool;
  Slab* slab = pool.Take(1024);
  for (uint32_t i = 0; i < Slab::kPadding; ++i) EXPECT_EQ(slab->end()[i], 0);
  SlabPool::Release(slab);
}

TEST(SliceTest, TheLastSliceReleasesTheSlab) {
  SlabPool pool;
  Slab* slab = pool.Take(1024);
  {
    Slice whole(slab, slab->data(), 100);
    Slice head = whole.Split(30);
    EXPECT_EQ(head.size(), 30u);
    EXPECT_EQ(whole.size(), 70u);
    EXPECT_EQ(whole.data(), head.data() + 30);
    const Slice copy = head.Share();
    whole = std::move(head);
    EXPECT_EQ(whole.size(), 30u);
    EXPECT_EQ(slab->refs, 2u);
  }
  EXPECT_EQ(pool.pinned_bytes(), 0u);
}

TEST(SliceTest, IsWastefulBelowAnEighthOfItsSlab) {
  SlabPool pool;
  Slab* slab = pool.Take(65536);
  Slice slice(slab, slab->data(), 8191);
  EXPECT_TRUE(slice.wasteful());
  std::memset(slab->data(), 'x', 8191);
  const Slice fit = CopyToFit(&pool, slice);
  EXPECT_EQ(fit.size(), 8191u);
  EXPECT_EQ(fit.slab()->size, 16384u);
  EXPECT_FALSE(fit.wasteful());
  EXPECT_EQ(std::memcmp(fit.data(), slice.data(), 8191), 0);
}

TEST(ArenaTest, StartsInLentMemoryAndGoesOnInSlabsUpToItsLimit) {
  SlabPool pool;
  alignas(8) uint8_t memory[256 + Slab::kPadding];
  Arena arena(&pool, memory, 256, 8192);
  EXPECT_EQ(arena.Allocate(200), memory);
  EXPECT_EQ(arena.slab_bytes(), 0u);
  void* second = arena.Allocate(200);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(second) % 8, 0u);
  EXPECT_EQ(arena.slab_bytes(), 1024u);
  EXPECT_EQ(arena.Copy("text"), "text");
  EXPECT_EQ(arena.Allocate(10000), nullptr) << "beyond the limit";
  EXPECT_EQ(arena.Allocate(300000), nullptr) << "beyond any slab";
  EXPECT_NE(arena.Allocate(100), nullptr) << "a refusal leaves the arena usable";
}

TEST(ArenaTest, GivesItsSlabsBack) {
  SlabPool pool;
  {
    Arena arena(&pool, nullptr, 0, 1 << 20);
    for (int i = 0; i < 100; ++i) ASSERT_NE(arena.Allocate(1000), nullptr);
    EXPECT_GT(pool.pinned_bytes(), 100000u);
  }
  EXPECT_EQ(pool.pinned_bytes(), 0u);
}

}  // namespace
}  // namespace weir::base
