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

// A ring of blocks between one worker, which fills them in order, and the writer thread, which
// empties them. Neither waits for the other: when all blocks are full the worker has none, and
// drops. A block is allocated when the ring first reaches it.
class LogChannel {
 public:
  static constexpr uint32_t kBlocks = 8;

  // --- worker ---
  // The block being filled; null while the writer has them all.
  LogBlock* Current() {
    if (filled_.load(std::memory_order_relaxed) - emptied_.load(std::memory_order_acquire) ==
        kBlocks) {
      return nullptr;
    }
    std::unique_ptr<LogBlock>& block = blocks_[filled_.load(std::memory_order_relaxed) % kBlocks];
    if (block == nullptr) block = std::make_unique<LogBlock>();
    return block.get();
  }
  // Hands the current block, which is there, to the writer.
  void HandOver() {
    filled_.store(filled_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // The worker will not come back: the writer takes the channel away once it is empty.
  void Close() { closed_.store(true, std::memory_order_release); }

  // --- writer ---
  // The oldest block handed over; null if there is none.
  LogBlock* Oldest() {
    const uint32_t at = emptied_.load(std::memory_order_relaxed);
    return at == filled_.load(std::memory_order_acquire) ? nullptr : blocks_[at % kBlocks].get();
  }
  // Gives the oldest block back to the worker, empty.
  void GiveBack() {
    const uint32_t at = emptied_.load(std::memory_order_relaxed);
    blocks_[at % kBlocks]->size = 0;
    blocks_[at % kBlocks]->lines = 0;
    emptied_.store(at + 1, std::memory_order_release);
  }
  // True when nothing will come any more. Ask before Oldest(): what was handed over before Close is
  // then seen.
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  // Both count up and wrap; each is written by one side only, on a line of its own.
  alignas(64) std::atomic<uint32_t> filled_{0};
  alignas(64) std::atomic<uint32_t> emptied_{0};
  alignas(64) std::atomic<bool> closed_{false};
  std::array<std::unique_ptr<LogBlock>, kBlocks> blocks_;
};

}  // namespace weir::observe
