#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace weir::base {

// An immutable value that one thread replaces now and then, and others follow: who follows compares
// a number, which costs a load, and takes a lock only when there is another value. Any thread.
template <class T>
class Latest {
 public:
  explicit Latest(std::shared_ptr<const T> first) : value_(std::move(first)) {}
  Latest(const Latest&) = delete;
  Latest& operator=(const Latest&) = delete;

  void Set(std::shared_ptr<const T> next) {
    {
      const std::lock_guard lock(mutex_);
      value_.swap(next);
      number_.fetch_add(1, std::memory_order_release);
    }
    // What was there before, if nobody else has it, dies here, without the lock.
  }
  // Of the value, from 1.
  uint64_t number() const { return number_.load(std::memory_order_acquire); }
  // *number becomes that of the value which is returned.
  std::shared_ptr<const T> Get(uint64_t* number = nullptr) const {
    const std::lock_guard lock(mutex_);
    if (number != nullptr) *number = number_.load(std::memory_order_relaxed);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // guarded by mutex_
  std::atomic<uint64_t> number_{1};
};

}  // namespace weir::base
