#include "core/server/plugin_host_stores.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace weir::server {
namespace {

// Adds, unless it would become more than `most`.
bool Take(std::atomic<uint64_t>* total, uint64_t add, uint64_t most) {
  uint64_t present = total->load(std::memory_order_relaxed);
  do {
    if (add > most - present) return false;
  } while (!total->compare_exchange_weak(present, present + add, std::memory_order_relaxed));
  return true;
}

}  // namespace

// Store and key as one: the length of the store's name, the name, the key.
class PluginStores::Key {
 public:
  Key(std::string_view store, std::string_view key) : size_(2 + store.size() + key.size()) {
    const auto length = static_cast<uint16_t>(store.size());
    std::memcpy(bytes_, &length, 2);
    std::memcpy(bytes_ + 2, store.data(), store.size());
    std::memcpy(bytes_ + 2 + store.size(), key.data(), key.size());
  }
  std::string_view view() const { return {bytes_, size_}; }
  // What a key of this form counts.
  static uint64_t Counted(std::string_view key) { return key.size() - 2; }

 private:
  char bytes_[2 + 2 * kMaxName];
  size_t size_;
};

bool PluginStores::Good(std::string_view store, std::string_view key) {
  const auto fits = [](std::string_view name) {
    return !name.empty() && name.size() <= kMaxName && name.data() != nullptr;
  };
  return fits(store) && fits(key);
}

PluginStores::Shard* PluginStores::ShardOf(std::string_view key) {
  return &shards_[std::hash<std::string_view>()(key) % kShards];
}

bool PluginStores::Reserve(uint64_t keys, uint64_t bytes) {
  if (!Take(&keys_, keys, kMaxKeys)) return false;
  if (Take(&bytes_, bytes, kMaxBytes)) return true;
  Release(keys, 0);
  return false;
}

void PluginStores::Release(uint64_t keys, uint64_t bytes) {
  keys_.fetch_sub(keys, std::memory_order_relaxed);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

PluginStores::Map::iterator PluginStores::Find(Shard* shard, std::string_view key) {
  const auto found = shard->map.find(key);
  if (found == shard->map.end() || found->second.end == shard->ends.end()) return found;
  if (found->second.end->first > clock_()) return found;
  Erase(shard, found);
  return shard->map.end();
}

void PluginStores::Erase(Shard* shard, Map::iterator at) {
  Release(1, Key::Counted(at->first) + at->second.bytes.size());
  if (at->second.end != shard->ends.end()) shard->ends.erase(at->second.end);
  shard->map.erase(at);
}

void PluginStores::SetEnd(Shard* shard, Map::iterator at, uint64_t ttl_ms) {
  if (at->second.end != shard->ends.end()) shard->ends.erase(at->second.end);
  at->second.end = shard->ends.end();
  if (ttl_ms == 0) return;
  const uint64_t now = clock_();
  const uint64_t end = ttl_ms > UINT64_MAX - now ? UINT64_MAX : now + ttl_ms;
  at->second.end = shard->ends.emplace(end, at);
}

int32_t PluginStores::Put(Shard* shard, Map::iterator there, std::string_view key,
                          std::string* value, uint64_t ttl_ms) {
  if (there == shard->map.end()) {
    if (!Reserve(1, Key::Counted(key) + value->size())) return WEIR_NO_ROOM;
    there = shard->map.emplace(key, Value{std::move(*value), shard->ends.end()}).first;
  } else {
    const size_t had = there->second.bytes.size();
    if (value->size() > had && !Reserve(0, value->size() - had)) return WEIR_NO_ROOM;
    if (value->size() < had) Release(0, had - value->size());
    there->second.bytes.swap(*value);
  }
  SetEnd(shard, there, ttl_ms);
  return WEIR_OK;
}

void PluginStores::SweepShard(Shard* shard, uint32_t most) {
  if (shard->ends.empty()) return;
  const uint64_t now = clock_();
  for (; most > 0 && !shard->ends.empty() && shard->ends.begin()->first <= now; --most)
    Erase(shard, shard->ends.begin()->second);
}

void PluginStores::Sweep(uint32_t most) {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    SweepShard(&shard, most);
  }
}

int64_t PluginStores::Get(std::string_view store, std::string_view key, char* out, size_t room) {
  if (!Good(store, key) || (out == nullptr && room != 0)) return WEIR_REFUSED;
  const Key both(store, key);
  Shard* shard = ShardOf(both.view());
  const std::lock_guard lock(shard->mutex);
  const auto found = Find(shard, both.view());
  if (found == shard->map.end()) return WEIR_ERROR;
  const std::string& value = found->second.bytes;
  if (room != 0) std::memcpy(out, value.data(), std::min(room, value.size()));
  return static_cast<int64_t>(value.size());
}

int32_t PluginStores::SetOnce(std::string_view key, std::string_view value, uint64_t ttl_ms) {
  std::string bytes(value);
  Shard* shard = ShardOf(key);
  const std::lock_guard lock(shard->mutex);
  SweepShard(shard, kSweepPerWrite);
  return Put(shard, Find(shard, key), key, &bytes, ttl_ms);
}

int32_t PluginStores::Set(std::string_view store, std::string_view key, std::string_view value,
                          uint64_t ttl_ms) {
  if (!Good(store, key) || value.size() > kMaxValue) return WEIR_REFUSED;
  if (value.data() == nullptr) value = std::string_view("");
  const Key both(store, key);
  int32_t status = SetOnce(both.view(), value, ttl_ms);
  if (status != WEIR_NO_ROOM) return status;
  // The dead of all shards make way before anybody is refused.
  Sweep(UINT32_MAX);
  status = SetOnce(both.view(), value, ttl_ms);
  if (status == WEIR_NO_ROOM) refused_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

int32_t PluginStores::AddOnce(std::string_view key, int64_t add, uint64_t ttl_ms, int64_t* sum) {
  Shard* shard = ShardOf(key);
  const std::lock_guard lock(shard->mutex);
  SweepShard(shard, kSweepPerWrite);
  const auto found = Find(shard, key);
  int64_t number = 0;
  if (found != shard->map.end()) {
    if (found->second.bytes.size() != sizeof(number)) return WEIR_ERROR;
    std::memcpy(&number, found->second.bytes.data(), sizeof(number));
  }
  if (__builtin_add_overflow(number, add, &number)) return WEIR_ERROR;
  if (found != shard->map.end()) {
    std::memcpy(found->second.bytes.data(), &number, sizeof(number));
  } else {
    std::string bytes(reinterpret_cast<const char*>(&number), sizeof(number));
    const int32_t status = Put(shard, found, key, &bytes, ttl_ms);
    if (status != WEIR_OK) return status;
  }
  if (sum != nullptr) *sum = number;
  return WEIR_OK;
}

int32_t PluginStores::Add(std::string_view store, std::string_view key, int64_t add,
                          uint64_t ttl_ms, int64_t* sum) {
  if (!Good(store, key)) return WEIR_REFUSED;
  const Key both(store, key);
  int32_t status = AddOnce(both.view(), add, ttl_ms, sum);
  if (status != WEIR_NO_ROOM) return status;
  Sweep(UINT32_MAX);
  status = AddOnce(both.view(), add, ttl_ms, sum);
  if (status == WEIR_NO_ROOM) refused_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

int32_t PluginStores::Remove(std::string_view store, std::string_view key) {
  if (!Good(store, key)) return WEIR_REFUSED;
  const Key both(store, key);
  Shard* shard = ShardOf(both.view());
  const std::lock_guard lock(shard->mutex);
  const auto found = Find(shard, both.view());
  if (found == shard->map.end()) return WEIR_ERROR;
  Erase(shard, found);
  return WEIR_OK;
}

}  // namespace weir::server
