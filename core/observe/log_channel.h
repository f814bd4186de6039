#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace weir::observe {

// Whole lines on their way to the writer.
struct LogBlock {
  static constexpr uint32_t kRoom = 65'536 - 8;

  uint32_t size = 0;
  uint32_t lines = 0;
  char text[kRoom];
};

// Blocks that go round between one worker, which fills them, and the writer thread, which empties
// them. Neither waits for the other: while the writer has all blocks the worker has none, and
// drops. A block is allocated only when no emptied one is back, so a worker whose writer keeps up
// owns two.
class LogChannel {
 public:
  static constexpr uint32_t kBlocks = 32;  // 2 MiB: about 10,000 lines while a disk stalls

  // --- worker ---
  // The block being filled; null while the writer has them all.
  LogBlock* Current() {
    if (current_ == nullptr) current_ = NextBlock();
    return current_;
  }
  // Hands the current block, which is there, to the writer.
  void HandOver() {
    filled_.Push(current_);
    current_ = nullptr;
  }
  // The worker will not come back: the writer takes the channel away once it is empty.
  void Close() { closed_.store(true, std::memory_order_release); }

  // --- writer ---
  // The oldest block handed over; null if there is none.
  LogBlock* Oldest() { return filled_.Front(); }
  // Gives the oldest block back to the worker, empty.
  void GiveBack() {
    LogBlock* block = filled_.Front();
    block->size = 0;
    block->lines = 0;
    filled_.Pop();
    emptied_.Push(block);
  }
  // True when nothing will come any more. Ask before Oldest(): what was handed over before Close is
  // then seen.
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  // One thread pushes, one pops. Never full: there are no more blocks than places.
  class Ring {
   public:
    void Push(LogBlock* block) {
      const uint32_t at = pushed_.load(std::memory_order_relaxed);
      places_[at % kBlocks] = block;
      pushed_.store(at + 1, std::memory_order_release);
    }
    LogBlock* Front() const {
      const uint32_t at = popped_.load(std::memory_order_relaxed);
      return at == pushed_.load(std::memory_order_acquire) ? nullptr : places_[at % kBlocks];
    }
    void Pop() {
      popped_.store(popped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

   private:
    alignas(64) std::atomic<uint32_t> pushed_{0};  // counts up and wraps
    alignas(64) std::atomic<uint32_t> popped_{0};  // of the popping thread alone
    std::array<LogBlock*, kBlocks> places_{};
  };

  LogBlock* NextBlock() {
    LogBlock* block = emptied_.Front();
    if (block != nullptr) {
      emptied_.Pop();
    } else if (allocated_ < kBlocks) {
      block = (blocks_[allocated_++] = std::make_unique<LogBlock>()).get();
    }
    return block;
  }

  Ring filled_;
  Ring emptied_;
  std::atomic<bool> closed_{false};
  // The worker's.
  LogBlock* current_ = nullptr;
  uint32_t allocated_ = 0;
  std::array<std::unique_ptr<LogBlock>, kBlocks> blocks_;
};

}  // namespace weir::observe
