#include "core/server/plugin_host_stores.h"

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir::server {
namespace {

std::atomic<uint64_t> present_ms;

class Stores : public testing::Test {
 protected:
  void SetUp() override { present_ms = 1000; }
  // The value, or "<status>".
  std::string Get(std::string_view store, std::string_view key) {
    char room[64];
    const int64_t size = stores_.Get(store, key, room, sizeof(room));
    return size < 0 ? "<" + std::to_string(size) + ">"
                    : std::string(room, static_cast<size_t>(size));
  }

  PluginStores stores_{[] { return present_ms.load(); }};
};

constexpr char kNone[] = "<-1>";

TEST_F(Stores, AValueIsSeenUnderItsStoreAndKeyAlone) {
  EXPECT_EQ(stores_.Set("a", "bc", "1", 0), WEIR_OK);
  EXPECT_EQ(stores_.Set("ab", "c", "2", 0), WEIR_OK);
  EXPECT_EQ(Get("a", "bc"), "1");
  EXPECT_EQ(Get("ab", "c"), "2");
  EXPECT_EQ(Get("abc", "x"), kNone);
  EXPECT_EQ(stores_.Set("a", "bc", "", 0), WEIR_OK);
  EXPECT_EQ(Get("a", "bc"), "");
  EXPECT_EQ(stores_.Remove("a", "bc"), WEIR_OK);
  EXPECT_EQ(stores_.Remove("a", "bc"), WEIR_ERROR);
  EXPECT_EQ(Get("a", "bc"), kNone);
  EXPECT_EQ(Get("ab", "c"), "2");
}

TEST_F(Stores, GetCopiesWhatFitsAndSaysTheWholeSize) {
  ASSERT_EQ(stores_.Set("s", "k", "0123456789", 0), WEIR_OK);
  char room[5] = "....";
  EXPECT_EQ(stores_.Get("s", "k", room, 3), 10);
  EXPECT_STREQ(room, "012.");
  EXPECT_EQ(stores_.Get("s", "k", nullptr, 0), 10);
}

TEST_F(Stores, WrongSizesAreRefused) {
  const std::string long_name(257, 'n');
  EXPECT_EQ(stores_.Set("", "k", "v", 0), WEIR_REFUSED);
  EXPECT_EQ(stores_.Set("s", "", "v", 0), WEIR_REFUSED);
  EXPECT_EQ(stores_.Set(long_name, "k", "v", 0), WEIR_REFUSED);
  EXPECT_EQ(stores_.Set("s", long_name, "v", 0), WEIR_REFUSED);
  EXPECT_EQ(stores_.Set("s", "k", std::string(65'537, 'v'), 0), WEIR_REFUSED);
  EXPECT_EQ(stores_.Get("s", "k", nullptr, 4), WEIR_REFUSED);
  EXPECT_EQ(stores_.Get("s", "", nullptr, 0), WEIR_REFUSED);
  EXPECT_EQ(stores_.Add("s", "", 1, 0, nullptr), WEIR_REFUSED);
  EXPECT_EQ(stores_.Remove(long_name, "k"), WEIR_REFUSED);
  EXPECT_EQ(stores_.keys(), 0u);
  EXPECT_EQ(stores_.Set(std::string(256, 's'), std::string(256, 'k'), std::string(65'536, 'v'), 0),
            WEIR_OK);
  EXPECT_EQ(stores_.bytes(), 256u + 256u + 65'536u);
}

TEST_F(Stores, KeysAndBytesAreCountedExactly) {
  ASSERT_EQ(stores_.Set("st", "key", "value", 0), WEIR_OK);
  EXPECT_EQ(stores_.keys(), 1u);
  EXPECT_EQ(stores_.bytes(), 10u);
  ASSERT_EQ(stores_.Set("st", "key", "longer value", 5), WEIR_OK);
  EXPECT_EQ(stores_.bytes(), 17u);
  ASSERT_EQ(stores_.Set("st", "key", "v", 0), WEIR_OK);
  EXPECT_EQ(stores_.bytes(), 6u);
  ASSERT_EQ(stores_.Add("st", "n", 1, 0, nullptr), WEIR_OK);
  EXPECT_EQ(stores_.keys(), 2u);
  EXPECT_EQ(stores_.bytes(), 6u + 3u + 8u);
  ASSERT_EQ(stores_.Remove("st", "key"), WEIR_OK);
  ASSERT_EQ(stores_.Remove("st", "n"), WEIR_OK);
  EXPECT_EQ(stores_.keys(), 0u);
  EXPECT_EQ(stores_.bytes(), 0u);
}

TEST_F(Stores, AKeyBeyondTheLimitHasNoRoomUntilOneGoes) {
  for (uint64_t i = 0; i < PluginStores::kMaxKeys; ++i)
    ASSERT_EQ(stores_.Set("s", std::to_string(i), "", 0), WEIR_OK) << i;
  EXPECT_EQ(stores_.Set("s", "more", "", 0), WEIR_NO_ROOM);
  EXPECT_EQ(stores_.Add("s", "more", 1, 0, nullptr), WEIR_NO_ROOM);
  EXPECT_EQ(stores_.refused(), 2u);
  EXPECT_EQ(stores_.Set("s", "17", "there is one already", 0), WEIR_OK);
  EXPECT_EQ(stores_.Remove("s", "18"), WEIR_OK);
  EXPECT_EQ(stores_.Set("s", "more", "", 0), WEIR_OK);
  EXPECT_EQ(stores_.keys(), PluginStores::kMaxKeys);
}

TEST_F(Stores, BytesBeyondTheLimitHaveNoRoomAndChangeNothing) {
  const std::string most(PluginStores::kMaxValue, 'v');
  int made = 0;
  while (stores_.Set("s", std::to_string(made), most, 0) == WEIR_OK) ASSERT_LT(++made, 2000);
  EXPECT_EQ(made, 1023);  // and 64 KiB, less the names
  const uint64_t left = PluginStores::kMaxBytes - stores_.bytes();
  ASSERT_EQ(stores_.Set("s", "x", std::string(left - 2, 'v'), 0), WEIR_OK);
  EXPECT_EQ(stores_.bytes(), PluginStores::kMaxBytes);
  EXPECT_EQ(stores_.Set("s", "x", std::string(left - 1, 'v'), 0), WEIR_NO_ROOM);
  EXPECT_EQ(stores_.Get("s", "x", nullptr, 0), static_cast<int64_t>(left - 2));
}

TEST_F(Stores, AValueEndsWithItsTimeToLive) {
  ASSERT_EQ(stores_.Set("s", "k", "v", 100), WEIR_OK);
  present_ms = 1099;
  EXPECT_EQ(Get("s", "k"), "v");
  present_ms = 1100;
  EXPECT_EQ(Get("s", "k"), kNone);
  EXPECT_EQ(stores_.keys(), 0u);
  EXPECT_EQ(stores_.bytes(), 0u);
}

TEST_F(Stores, SettingAnewSetsTheTimeAnew) {
  ASSERT_EQ(stores_.Set("s", "k", "v", 100), WEIR_OK);
  ASSERT_EQ(stores_.Set("s", "k", "w", 300), WEIR_OK);
  ASSERT_EQ(stores_.Set("s", "l", "v", 100), WEIR_OK);
  ASSERT_EQ(stores_.Set("s", "l", "w", 0), WEIR_OK);
  ASSERT_EQ(stores_.Set("s", "m", "w", UINT64_MAX), WEIR_OK);
  present_ms = 1200;
  EXPECT_EQ(Get("s", "k"), "w");
  present_ms = 1'000'000;
  EXPECT_EQ(Get("s", "k"), kNone);
  EXPECT_EQ(Get("s", "l"), "w");
  EXPECT_EQ(Get("s", "m"), "w");
}

TEST_F(Stores, AddKeepsTheTimeToLiveOfTheKey) {
  ASSERT_EQ(stores_.Add("s", "n", 1, 100, nullptr), WEIR_OK);
  present_ms = 1099;
  int64_t sum = 0;
  ASSERT_EQ(stores_.Add("s", "n", 1, 100, &sum), WEIR_OK);
  EXPECT_EQ(sum, 2);
  present_ms = 1100;
  ASSERT_EQ(stores_.Add("s", "n", 1, 100, &sum), WEIR_OK);
  EXPECT_EQ(sum, 1);
}

TEST_F(Stores, AddReadsAndWritesASigned64BitNumber) {
  int64_t sum = 0;
  ASSERT_EQ(stores_.Add("s", "n", -5, 0, &sum), WEIR_OK);
  EXPECT_EQ(sum, -5);
  int64_t stored = 0;
  ASSERT_EQ(stores_.Get("s", "n", reinterpret_cast<char*>(&stored), 8), 8);
  EXPECT_EQ(stored, -5);
  const int64_t most = INT64_MAX;
  ASSERT_EQ(stores_.Set("s", "n", {reinterpret_cast<const char*>(&most), 8}, 0), WEIR_OK);
  EXPECT_EQ(stores_.Add("s", "n", 1, 0, &sum), WEIR_ERROR);
  EXPECT_EQ(stores_.Add("s", "n", -1, 0, &sum), WEIR_OK);
  EXPECT_EQ(sum, INT64_MAX - 1);
  ASSERT_EQ(stores_.Set("s", "n", "seven b", 0), WEIR_OK);
  EXPECT_EQ(stores_.Add("s", "n", 1, 0, &sum), WEIR_ERROR);
  EXPECT_EQ(Get("s", "n"), "seven b");
}

TEST_F(Stores, TheDeadMakeWayBeforeAnybodyIsRefused) {
  for (uint64_t i = 1; i < PluginStores::kMaxKeys; ++i)
    ASSERT_EQ(stores_.Set("s", std::to_string(i), "", 0), WEIR_OK);
  // One key lives for a while only; those that come after it belong to all shards.
  for (int i = 0; i < 40; ++i) {
    const std::string key = "more" + std::to_string(i);
    ASSERT_EQ(stores_.Set("s", "dying", "", 100), WEIR_OK);
    EXPECT_EQ(stores_.Set("s", key, "", 0), WEIR_NO_ROOM);
    present_ms += 100;
    EXPECT_EQ(stores_.Set("s", key, "", 0), WEIR_OK);
    ASSERT_EQ(stores_.Remove("s", key), WEIR_OK);
  }
}

TEST_F(Stores, ASweepRemovesTheDeadWithinItsBound) {
  for (int i = 0; i < 1600; ++i) {
    ASSERT_EQ(stores_.Set("s", std::to_string(i), "", i % 2 == 0 ? 100 : 0), WEIR_OK);
  }
  present_ms = 2000;
  stores_.Sweep(1);
  EXPECT_EQ(stores_.keys(), 1600u - 16u);
  stores_.Sweep(100'000);
  EXPECT_EQ(stores_.keys(), 800u);
}

TEST_F(Stores, WritersRemoveTheDeadOnTheirWay) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(stores_.Set("s", std::to_string(i), "", 100), WEIR_OK);
  present_ms = 2000;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(stores_.Set("t", std::to_string(i), "", 0), WEIR_OK);
  EXPECT_LT(stores_.keys(), 1100u);
}

TEST_F(Stores, ThreadsAddWithoutLosingOne) {
  constexpr int kEach = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string key = std::to_string(i % 50);
        EXPECT_EQ(stores_.Add("n", key, 1, 0, nullptr), WEIR_OK);
        const std::string own = key + "-" + std::to_string(t);
        EXPECT_EQ(stores_.Set("v", own, std::string(static_cast<size_t>(i % 90), 'v'), 1 + i % 3),
                  WEIR_OK);
        stores_.Get("v", key + "-0", nullptr, 0);
        if (i % 7 == 0) stores_.Remove("v", own);
        if (i % 64 == 0) ++present_ms;
        if (i % 500 == 0) stores_.Sweep(10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 50; ++i) {
    int64_t sum = 0;
    ASSERT_EQ(stores_.Add("n", std::to_string(i), 0, 0, &sum), WEIR_OK);
    EXPECT_EQ(sum, 4 * kEach / 50);
  }
  present_ms += 1000;
  stores_.Sweep(1'000'000);
  EXPECT_EQ(stores_.keys(), 50u);
  EXPECT_EQ(stores_.bytes(), 10u * (1 + 1 + 8) + 40u * (1 + 2 + 8));
}

}  // namespace
}  // namespace weir::server
