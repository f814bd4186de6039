#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "plugins/abi/weir.h"

namespace weir::server {

// The bytes that plugins share between workers (weir_host.kv_*). Any thread; each call is atomic.
// What has outlived its time is not seen any more, and makes way for others: those that write
// remove some of it, and Sweep the rest.
class PluginStores {
 public:
  static constexpr size_t kMaxName = 256;
  static constexpr size_t kMaxValue = 65'536;
  static constexpr uint64_t kMaxKeys = 65'536;
  // Names of stores, keys and values, as they are: each key counts its store's name.
  static constexpr uint64_t kMaxBytes = 64 << 20;

  // Milliseconds that never go back. `clock` is replaced by tests.
  using Clock = uint64_t (*)();
  explicit PluginStores(Clock clock) : clock_(clock) {}
  PluginStores(const PluginStores&) = delete;
  PluginStores& operator=(const PluginStores&) = delete;

  // As their namesakes of weir_host say; WEIR_REFUSED for a name, key or value of a wrong size.
  int64_t Get(std::string_view store, std::string_view key, char* out, size_t room);
  int32_t Set(std::string_view store, std::string_view key, std::string_view value,
              uint64_t ttl_ms);
  // WEIR_ERROR too for a value that is no number and a sum that fits into none.
  int32_t Add(std::string_view store, std::string_view key, int64_t add, uint64_t ttl_ms,
              int64_t* sum);
  int32_t Remove(std::string_view store, std::string_view key);

  // Removes what has outlived its time, at most `most` keys of each of the 16 shards.
  void Sweep(uint32_t most);

  uint64_t keys() const { return keys_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // How often there was no room.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Value;
  // Ordered: peers choose keys, and must not be able to make a lookup slow.
  using Map = std::map<std::string, Value, std::less<>>;
  using Ends = std::multimap<uint64_t, Map::iterator>;
  struct Value {
    std::string bytes;
    Ends::iterator end;  // Shard::ends.end(): never
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    Map map;
    Ends ends;  // by the time when they end
  };
  class Key;

  static constexpr size_t kShards = 16;
  static constexpr uint32_t kSweepPerWrite = 4;

  static bool Good(std::string_view store, std::string_view key);
  Shard* ShardOf(std::string_view key);
  bool Reserve(uint64_t keys, uint64_t bytes);
  void Release(uint64_t keys, uint64_t bytes);
  // With the shard's lock.
  Map::iterator Find(Shard* shard, std::string_view key);
  int32_t Put(Shard* shard, Map::iterator there, std::string_view key, std::string* value,
              uint64_t ttl_ms);
  void SetEnd(Shard* shard, Map::iterator at, uint64_t ttl_ms);
  void Erase(Shard* shard, Map::iterator at);
  void SweepShard(Shard* shard, uint32_t most);

  int32_t SetOnce(std::string_view key, std::string_view value, uint64_t ttl_ms);
  int32_t AddOnce(std::string_view key, int64_t add, uint64_t ttl_ms, int64_t* sum);

  const Clock clock_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> keys_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> refused_{0};
};

}  // namespace weir::server
