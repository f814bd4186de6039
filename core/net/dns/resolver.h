#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/net/address.h"

namespace weir::net::dns {

// kEmpty: the name, or a record of the kind that was asked for, does not exist. kFailed: nobody
// could say: a time-out, a server that refuses or fails, an answer that is none.
enum class Status : uint8_t { kFound, kEmpty, kFailed };

struct Answer {
  Status status = Status::kFailed;
  std::vector<Address> addresses;  // port 0; in the order of the answer
  uint32_t ttl_s = 0;              // the shortest of the records
  std::string error;               // of kEmpty and kFailed
};

// RFC 2782.
struct ServiceRecord {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;
  std::string target;
};

struct ServiceAnswer {
  Status status = Status::kFailed;
  std::vector<ServiceRecord> records;
  uint32_t ttl_s = 0;
  std::string error;
};

enum class Family : uint8_t { kIpv4, kIpv6 };

// Asks for the addresses of names. On one thread; `done` is called once, during the call or later,
// or, when the resolver goes first, never. It may ask again, but not end the resolver.
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual void Lookup(const std::string& name, Family family, std::function<void(Answer)> done) = 0;
  virtual void LookupService(const std::string& name, std::function<void(ServiceAnswer)> done) = 0;
};

}  // namespace weir::net::dns
