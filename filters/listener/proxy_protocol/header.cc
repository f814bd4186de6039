#include "filters/listener/proxy_protocol/header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <arpa/inet.h>

namespace weir::proxy_protocol {
namespace {

constexpr std::string_view kV1 = "PROXY ";
constexpr std::string_view kV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxV1 = 107;
constexpr std::size_t kV2Fixed = 16;
constexpr std::uint8_t kCrcType = 0x03;

enum Family : std::uint8_t { kUnspec = 0, kInet = 1, kInet6 = 2, kUnix = 3 };
enum Transport : std::uint8_t { kNoTransport = 0, kStream = 1 };

std::uint8_t Byte(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}
std::uint16_t Word(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(Byte(bytes, at) << 8 | Byte(bytes, at + 1));
}

constexpr std::array<std::uint32_t, 256> MakeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = MakeCrcTable();

// ---- Version 1

// The next word of the line, which ends with one space or the line.
std::string_view TakeWord(std::string_view* line) {
  const std::size_t space = line->find(' ');
  const std::string_view word = line->substr(0, space);
  line->remove_prefix(space == std::string_view::npos ? line->size() : space + 1);
  return word;
}

bool ReadIp(std::string_view text, int family, std::uint8_t* ip) {
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return std::strlen(copy) == text.size() && inet_pton(family, copy, ip) == 1;
}

bool ReadPort(std::string_view text, std::uint16_t* port) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return false;
  std::uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  *port = static_cast<std::uint16_t>(number);
  return number <= 65535;
}

bool ReadV1Line(std::string_view line, Header* header) {
  line.remove_prefix(kV1.size());
  const std::string_view family = TakeWord(&line);
  // What follows it is not to be looked at.
  if (family == "UNKNOWN") return true;
  if (family != "TCP4" && family != "TCP6") return false;
  const int af = family == "TCP4" ? AF_INET : AF_INET6;
  if (std::count(line.begin(), line.end(), ' ') != 3) return false;
  if (!ReadIp(TakeWord(&line), af, header->source.ip)) return false;
  if (!ReadIp(TakeWord(&line), af, header->destination.ip)) return false;
  if (!ReadPort(TakeWord(&line), &header->source.port)) return false;
  if (!ReadPort(TakeWord(&line), &header->destination.port)) return false;
  header->family = af == AF_INET ? Header::Family::kIpv4 : Header::Family::kIpv6;
  return true;
}

Verdict ReadV1(std::string_view bytes, Header* header) {
  const std::string_view shown = bytes.substr(0, kMaxV1);
  const std::size_t cr = shown.find('\r');
  if (cr == std::string_view::npos) return shown.size() == kMaxV1 ? Verdict::kBad : Verdict::kMore;
  if (cr + 1 == shown.size()) return shown.size() == kMaxV1 ? Verdict::kBad : Verdict::kMore;
  if (shown[cr + 1] != '\n') return Verdict::kBad;
  header->size = cr + 2;
  return ReadV1Line(shown.substr(0, cr), header) ? Verdict::kWhole : Verdict::kBad;
}

// ---- Version 2

// `whole` is the header; `at` the place of the checksum in it.
bool IsChecksumRight(std::string_view whole, std::size_t at) {
  constexpr std::string_view kZeros("\0\0\0\0", 4);
  std::uint32_t crc = Crc32c(0, whole.substr(0, at));
  crc = Crc32c(crc, kZeros);
  crc = Crc32c(crc, whole.substr(at + 4));
  const std::uint32_t said = std::uint32_t{Word(whole, at)} << 16 | Word(whole, at + 2);
  return crc == said;
}

bool CheckTlvs(std::string_view whole, std::string_view tlvs) {
  bool summed = false;
  Tlv tlv{};
  while (TakeTlv(&tlvs, &tlv)) {
    if (tlv.type != kCrcType) continue;
    if (summed || tlv.value.size() != 4) return false;
    summed = true;
    if (!IsChecksumRight(whole, static_cast<std::size_t>(tlv.value.data() - whole.data())))
      return false;
  }
  return tlvs.empty();
}

// The size of a family's addresses; false: they may not stand there.
bool AddressesOf(std::uint8_t family, std::uint8_t transport, std::size_t* size) {
  // Over a connection nothing but a stream can come.
  const bool fits = transport == kStream || (family == kUnspec && transport == kNoTransport);
  constexpr std::size_t kSizes[] = {0, 12, 36, 216};
  if (family > kUnix || !fits) return false;
  *size = kSizes[family];
  return true;
}

void ReadAddresses(std::string_view payload, std::uint8_t family, Header* header) {
  if (family != kInet && family != kInet6) return;
  const std::size_t ip = family == kInet ? 4 : 16;
  header->family = family == kInet ? Header::Family::kIpv4 : Header::Family::kIpv6;
  std::memcpy(header->source.ip, payload.data(), ip);
  std::memcpy(header->destination.ip, payload.data() + ip, ip);
  header->source.port = Word(payload, 2 * ip);
  header->destination.port = Word(payload, 2 * ip + 2);
}

Verdict ReadV2(std::string_view bytes, Header* header) {
  if (bytes.size() > 12 && Byte(bytes, 12) != 0x20 && Byte(bytes, 12) != 0x21) return Verdict::kBad;
  if (bytes.size() < kV2Fixed) return Verdict::kMore;
  const bool local = Byte(bytes, 12) == 0x20;
  header->size = kV2Fixed + Word(bytes, 14);
  if (header->size > kMaxHeader) return Verdict::kBad;
  const std::uint8_t family = Byte(bytes, 13) >> 4;
  std::size_t addresses = 0;
  if (!local && (!AddressesOf(family, Byte(bytes, 13) & 15, &addresses) ||
                 header->size < kV2Fixed + addresses))
    return Verdict::kBad;
  if (bytes.size() < header->size) return Verdict::kMore;
  // What else a LOCAL one holds is to be skipped.
  if (local) return Verdict::kWhole;
  const std::string_view whole = bytes.substr(0, header->size);
  header->tlvs = whole.substr(kV2Fixed + addresses);
  if (!CheckTlvs(whole, header->tlvs)) return Verdict::kBad;
  ReadAddresses(whole.substr(kV2Fixed), family, header);
  return Verdict::kWhole;
}

bool BeginsLike(std::string_view bytes, std::string_view signature) {
  const std::size_t size = std::min(bytes.size(), signature.size());
  return bytes.substr(0, size) == signature.substr(0, size);
}

}  // namespace

std::uint32_t Crc32c(std::uint32_t crc, std::string_view bytes) {
  crc = ~crc;
  for (const char c : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 255];
  return ~crc;
}

bool TakeTlv(std::string_view* tlvs, Tlv* tlv) {
  if (tlvs->size() < 3) return false;
  const std::size_t size = Word(*tlvs, 1);
  if (tlvs->size() - 3 < size) return false;
  tlv->type = Byte(*tlvs, 0);
  tlv->value = tlvs->substr(3, size);
  tlvs->remove_prefix(3 + size);
  return true;
}

Verdict ReadHeader(std::string_view bytes, Header* header) {
  *header = Header{};
  if (BeginsLike(bytes, kV1)) {
    if (bytes.size() < kV1.size()) return Verdict::kMore;
    header->version = 1;
    return ReadV1(bytes, header);
  }
  if (!BeginsLike(bytes, kV2)) return Verdict::kNone;
  if (bytes.size() < kV2.size()) return Verdict::kMore;
  header->version = 2;
  return ReadV2(bytes, header);
}

}  // namespace weir::proxy_protocol
