#include "core/net/tls/ticket_keys.h"

#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace weir::net::tls {
namespace {

template <size_t kSize>
void Fill(std::array<uint8_t, kSize>* bytes) {
  // Without random bytes nothing may be sealed. OpenSSL gives none only where the kernel has none.
  if (RAND_bytes(bytes->data(), static_cast<int>(kSize)) != 1)
    throw std::runtime_error("OpenSSL has no random bytes");
}

}  // namespace

TicketKeys::Key::Key() {
  Fill(&name);
  Fill(&aes);
  Fill(&hmac);
}

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(aes.data(), aes.size());
  OPENSSL_cleanse(hmac.data(), hmac.size());
}

std::shared_ptr<const TicketKeys::Ring> TicketKeys::At(uint64_t now_ms) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ring_ != nullptr && now_ms < ring_->until_ms) return ring_;
  auto next = std::make_shared<Ring>();
  // After a pause of more than a rotation the present key is too old as well.
  if (ring_ != nullptr && now_ms < ring_->until_ms + rotation_ms_) next->previous = ring_->present;
  next->present = std::make_shared<const Key>();
  next->until_ms = now_ms + rotation_ms_;
  ring_ = next;
  return ring_;
}

}  // namespace weir::net::tls
