#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "filters/http/basic_auth/password_hash.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// The users of an htpasswd file. Immutable after loading; any thread.
class UserList {
 public:
  // Reads Envoy's `users`: {inline_string} or {filename}. False after a report.
  bool Load(const sdk::ConfigNode& node);

  // Null for a user who is not there.
  const PasswordHash* Find(const std::string& user) const;
  // The slowest hash of all; null where all are quick. Whoever is not there, or has a quick hash,
  // is compared with it too, so that the time does not tell who is there.
  const PasswordHash* slowest() const { return slowest_; }
  bool empty() const { return users_.empty(); }

 private:
  bool LoadText(const sdk::ConfigNode& node, std::string_view text);
  std::string AddLine(std::string_view line);

  std::unordered_map<std::string, PasswordHash> users_;
  const PasswordHash* slowest_ = nullptr;
};

}  // namespace weir::filters
