#include "codecs/h1/websocket.h"

#include <cstring>

#include "plugins/util/ascii.h"

namespace weir::h1 {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void WriteBase64(const uint8_t* in, size_t size, char* out) {
  for (; size >= 3; size -= 3, in += 3) {
    const uint32_t bits = static_cast<uint32_t>(in[0] << 16 | in[1] << 8 | in[2]);
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = kBase64[(bits >> shift) & 63];
  }
  if (size == 0) return;
  const uint32_t bits = static_cast<uint32_t>(in[0] << 16 | (size == 2 ? in[1] << 8 : 0));
  *out++ = kBase64[(bits >> 18) & 63];
  *out++ = kBase64[(bits >> 12) & 63];
  *out++ = size == 2 ? kBase64[(bits >> 6) & 63] : '=';
  *out++ = '=';
}

bool IsBase64(char c) {
  return util::IsAlpha(c) || util::IsDigit(c) || c == '+' || c == '/';
}

}  // namespace

bool GoodWebSocketKey(std::string_view key) {
  if (key.size() != kKeySize || key.substr(kKeySize - 2) != "==") return false;
  for (size_t i = 0; i < kKeySize - 2; ++i) {
    if (!IsBase64(key[i])) return false;
  }
  return true;
}

void MakeWebSocketKey(const weir_host& host, char key[kKeySize]) {
  uint8_t nonce[16];
  host.random(nonce, sizeof(nonce));
  WriteBase64(nonce, sizeof(nonce), key);
}

void DigestWebSocketKey(const weir_host& host, std::string_view key, uint8_t digest[kDigestSize]) {
  uint8_t text[kKeySize + kGuid.size()];
  std::memcpy(text, key.data(), kKeySize);
  std::memcpy(text + kKeySize, kGuid.data(), kGuid.size());
  host.sha1(text, sizeof(text), digest);
}

void WriteWebSocketAccept(const uint8_t digest[kDigestSize], char accept[kAcceptSize]) {
  WriteBase64(digest, kDigestSize, accept);
}

}  // namespace weir::h1
