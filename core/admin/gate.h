#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/admin/message.h"
#include "core/admin/page_table.h"
#include "core/config/admin_config.h"

namespace weir::admin {

// Who may have which page. Any thread; nothing changes after construction.
//
// In this order, so that an answer tells a stranger as little as possible:
//   1. the authority, where the listener is on a loopback address: a name that is no "localhost" is
//      one that somebody made resolve to it, so that a browser here asks on his behalf (403)
//   2. the page (404) and the method (405)
//   3. the token, unless the page is open (401)
//   4. orders: only with allow_mutations (403), and never from another site's page (403)
class Gate {
 public:
  explicit Gate(const config::Admin& admin);

  // The page to make; null: *refusal is the answer.
  const Page* Check(const Request& request, Reply* refusal) const;

 private:
  bool HostIsOurs(const std::string& authority) const;
  bool HasToken(const std::string& authorization) const;

  using Digest = std::array<uint8_t, 32>;
  static Digest DigestOf(std::string_view text);

  bool loopback_;
  bool allow_mutations_;
  bool needs_token_;
  Digest token_{};
};

// The part of a target before its query, and the query.
std::string_view PathOf(std::string_view target);
std::string_view QueryOf(std::string_view target);

}  // namespace weir::admin
