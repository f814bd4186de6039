#include "core/net/dns/service_reply.h"

#include <algorithm>

#include <ares.h>

namespace weir::net::dns {
namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kService = 33;
constexpr uint16_t kInternet = 1;
// Of a domain name in text; longer ones cannot be host names.
constexpr size_t kMaxName = 253;
constexpr uint32_t kMaxTtl = 7 * 24 * 3600;

class Reader {
 public:
  Reader(const uint8_t* bytes, size_t size) : bytes_(bytes), size_(size) {}

  size_t left() const { return size_ - at_; }
  bool Skip(size_t n) {
    if (left() < n) return false;
    at_ += n;
    return true;
  }
  bool Number(int octets, uint32_t* out) {
    if (left() < static_cast<size_t>(octets)) return false;
    *out = 0;
    for (int i = 0; i < octets; ++i) *out = *out << 8 | bytes_[at_++];
    return true;
  }
  bool Name(std::string* out) {
    char* text = nullptr;
    long used = 0;
    if (ares_expand_name(bytes_ + at_, bytes_, static_cast<int>(size_), &text, &used) !=
        ARES_SUCCESS)
      return false;
    *out = text;
    ares_free_string(text);
    return Skip(static_cast<size_t>(used));
  }
  size_t at() const { return at_; }

 private:
  const uint8_t* bytes_;
  size_t size_;
  size_t at_ = 0;
};

// The record's type and TTL; the reader stands at its data then.
struct RecordHead {
  uint32_t type = 0, klass = 0, ttl = 0, length = 0;
};

bool ReadHead(Reader* in, RecordHead* out) {
  std::string name;
  return in->Name(&name) && in->Number(2, &out->type) && in->Number(2, &out->klass) &&
         in->Number(4, &out->ttl) && in->Number(2, &out->length) && in->left() >= out->length;
}

bool ReadService(Reader* in, uint32_t length, ServiceRecord* out) {
  const size_t end = in->at() + length;
  uint32_t priority, weight, port;
  if (!in->Number(2, &priority) || !in->Number(2, &weight) || !in->Number(2, &port)) return false;
  out->priority = static_cast<uint16_t>(priority);
  out->weight = static_cast<uint16_t>(weight);
  out->port = static_cast<uint16_t>(port);
  return in->Name(&out->target) && in->at() == end;
}

bool Useful(const ServiceRecord& record) {
  return !record.target.empty() && record.target != "." && record.target.size() <= kMaxName &&
         record.port != 0;
}

}  // namespace

ServiceAnswer ReadServiceReply(const uint8_t* bytes, size_t size) {
  ServiceAnswer answer;
  answer.error = "the answer is malformed";
  Reader in(bytes, size);
  uint32_t questions = 0, answers = 0;
  if (size > 65'535 || !in.Skip(4) || !in.Number(2, &questions) || !in.Number(2, &answers) ||
      !in.Skip(kHeader - 8))
    return answer;
  std::string name;
  for (uint32_t i = 0; i < questions; ++i) {
    if (!in.Name(&name) || !in.Skip(4)) return answer;
  }
  answer.ttl_s = kMaxTtl;
  for (uint32_t i = 0; i < answers; ++i) {
    RecordHead head;
    if (!ReadHead(&in, &head)) return answer;
    answer.ttl_s = std::min(answer.ttl_s, head.ttl);
    if (head.type != kService || head.klass != kInternet) {
      in.Skip(head.length);
      continue;
    }
    ServiceRecord record;
    if (!ReadService(&in, head.length, &record)) return answer;
    if (Useful(record)) answer.records.push_back(std::move(record));
  }
  answer.status = answer.records.empty() ? Status::kEmpty : Status::kFound;
  answer.error = answer.records.empty() ? "no SRV records" : "";
  return answer;
}

}  // namespace weir::net::dns
