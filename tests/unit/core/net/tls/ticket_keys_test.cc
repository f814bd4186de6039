#include "core/net/tls/ticket_keys.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir::net::tls {
namespace {

TEST(TicketKeysTest, ARingLastsForOneRotation) {
  TicketKeys keys(10);
  const auto first = keys.At(5000);
  EXPECT_EQ(first->previous, nullptr);
  EXPECT_EQ(first->until_ms, 15000u);
  EXPECT_EQ(keys.At(14999), first);
}

TEST(TicketKeysTest, TheKeyBeforeStillOpensForOneRotation) {
  TicketKeys keys(10);
  const auto first = keys.At(0);
  const auto second = keys.At(10000);
  EXPECT_NE(second->present->name, first->present->name);
  EXPECT_EQ(second->previous, first->present);
  const auto third = keys.At(20000);
  EXPECT_EQ(third->previous, second->present);
  EXPECT_NE(third->previous, first->present);
}

TEST(TicketKeysTest, AfterALongPauseNoOldKeyIsLeft) {
  TicketKeys keys(10);
  keys.At(0);
  EXPECT_EQ(keys.At(20000)->previous, nullptr);
}

TEST(TicketKeysTest, KeysAreRandom) {
  const TicketKeys::Key a;
  const TicketKeys::Key b;
  EXPECT_NE(a.name, b.name);
  EXPECT_NE(a.aes, b.aes);
  EXPECT_NE(a.hmac, b.hmac);
}

TEST(TicketKeysTest, WorkersAgreeOnTheRing) {
  TicketKeys keys(1);
  std::vector<std::shared_ptr<const TicketKeys::Ring>> seen(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < seen.size(); ++i) {
    threads.emplace_back([&, i] {
      for (uint64_t now = 0; now < 20000; now += 100) seen[i] = keys.At(now);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto last = keys.At(19900);
  for (const auto& ring : seen) EXPECT_NE(ring, nullptr);
  EXPECT_EQ(keys.At(19950), last);
}

}  // namespace
}  // namespace weir::net::tls
