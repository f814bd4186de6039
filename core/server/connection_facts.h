#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/net/address.h"
#include "core/net/connection_notes.h"
#include "core/net/io.h"

namespace weir::server {

// What network filters can know of their connection: weir.h's WEIR_ATTR_* and WEIR_NUMBER_* that
// say C. One thread.
class ConnectionFacts {
 public:
  // Both must live as long. io: for its TLS session, null: none. notes: what listener filters
  // noted; null: nothing. id: WEIR_NUMBER_CONNECTION_ID.
  ConnectionFacts(const net::Address& peer, const net::Address& local, const net::Io* io,
                  const net::ConnectionNotes* notes, uint64_t id);

  // False: it is not known. The texts stay where they are as long as this object.
  bool Attribute(uint32_t id, std::string_view* value);
  bool Number(uint32_t id, int64_t* value) const;
  // False: there is no such note.
  bool Note(std::string_view space, std::string_view key, std::string_view* value) const;

  void CountReceived(uint64_t bytes) { received_ += bytes; }
  // What a write answered: bytes, or a failure below 0.
  void CountSent(int64_t bytes) { sent_ += bytes > 0 ? static_cast<uint64_t>(bytes) : 0; }

 private:
  const net::Address& direct() const;
  bool Find(uint32_t id, std::string* value) const;

  const net::Address peer_;
  const net::Address local_;
  const net::Io* io_;
  const net::ConnectionNotes* notes_;
  const uint64_t id_;
  const int64_t start_unix_us_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  // What was asked for, by id: none of it changes after the handshake.
  std::map<uint32_t, std::string> texts_;
};

}  // namespace weir::server
