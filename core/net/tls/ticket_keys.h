#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

namespace weir::net::tls {

// The keys that session tickets are sealed with (RFC 5077, section 4), shared by the workers: a
// session that one worker made is resumed by any. Random, never written anywhere, replaced once in
// `rotation_s`; the key before the present one still opens tickets, so that a ticket lives for that
// long at least and at most twice as long. What it protected cannot be opened by anybody after.
class TicketKeys {
 public:
  struct Key {
    std::array<uint8_t, 16> name;
    std::array<uint8_t, 32> aes;
    std::array<uint8_t, 32> hmac;
    Key();   // random
    ~Key();  // wiped
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
  };
  // Immutable: what a worker seals and opens with until `until_ms`.
  struct Ring {
    std::shared_ptr<const Key> present;
    std::shared_ptr<const Key> previous;  // may be null
    uint64_t until_ms = 0;
  };

  explicit TicketKeys(uint32_t rotation_s) : rotation_ms_(uint64_t{rotation_s} * 1000) {}
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The ring for now; rotates when it is time. Any thread; a worker asks once per rotation and
  // keeps the answer.
  std::shared_ptr<const Ring> At(uint64_t now_ms);

 private:
  const uint64_t rotation_ms_;
  std::mutex mutex_;
  std::shared_ptr<const Ring> ring_;  // guarded by mutex_
};

}  // namespace weir::net::tls
