#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/address.h"

namespace weir::net {

// What listener filters found out about a connection, beside its addresses. Made with the first of
// it: most connections have none.
class ConnectionNotes {
 public:
  static constexpr size_t kMaxNotes = 64;
  static constexpr size_t kMaxNames = 256;  // of space and key together
  static constexpr size_t kMaxValue = 4096;

  // data() null: there is no such note. Good until the note is set anew.
  std::string_view Find(std::string_view space, std::string_view key) const;
  // Copies. False: a limit is reached, and nothing was changed.
  bool Set(std::string_view space, std::string_view key, std::string_view value);

  Address direct;           // the socket's peer, where another address took its place
  std::string server_name;  // empty: not known
  std::string alpn;

 private:
  struct Note {
    std::string space;
    std::string key;
    std::string value;
  };

  std::vector<Note> notes_;
};

}  // namespace weir::net
