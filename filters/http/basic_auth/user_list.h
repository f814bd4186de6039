#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
  // Whether a hash is one that is slow on purpose.
  bool slow() const { return !costs_.empty(); }
  // What a password is to be compared with so that the time does not tell whether the user is
  // there, nor what hash is theirs: a slow hash of each cost that the list has, the user's own
  // among them, in the same order for everybody. Only the user's own says whether the password is
  // right.
  std::vector<const PasswordHash*> Work(const PasswordHash* own) const;
  bool empty() const { return users_.empty(); }

 private:
  bool LoadText(const sdk::ConfigNode& node, std::string_view text);
  bool FindCosts(const sdk::ConfigNode& node);
  std::string AddLine(std::string_view line);

  std::unordered_map<std::string, PasswordHash> users_;
  std::vector<const PasswordHash*> costs_;  // one slow hash of each cost
};

}  // namespace weir::filters
