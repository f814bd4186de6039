#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "filters/http/basic_auth/credential_cache.h"
#include "filters/http/basic_auth/user_list.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/host.h"

namespace weir::filters {

// What a worker keeps of its own beside a list of users.
struct BasicAuthWorker {
  CredentialCache cache;
  std::uint32_t hashing = 0;  // passwords that wait for a helper thread, or are with one
};

// A list of users with the credentials that were found right in it.
class BasicAuthUsers {
 public:
  bool Load(const sdk::ConfigLoad& load, const sdk::ConfigNode& node);
  const UserList& list() const { return *list_; }
  // Kept alive by whatever still hashes on another thread.
  std::shared_ptr<const UserList> share() const { return list_; }
  BasicAuthWorker& worker(std::uint32_t number) const { return (*workers_)[number]; }
  CredentialMac Mac(const sdk::Host& host, const std::string& user,
                    const std::string& password) const;

 private:
  std::shared_ptr<UserList> list_ = std::make_shared<UserList>();
  std::shared_ptr<std::vector<BasicAuthWorker>> workers_;
  std::array<std::uint8_t, 64> key_{};  // a block of SHA-256; the second half stays zero
};

// Envoy's BasicAuth, and keys of ours.
struct BasicAuthConfig {
  BasicAuthUsers users;
  std::string header = "authorization";
  std::string forward_header;  // empty: none
  std::string challenge;       // www-authenticate
  bool allow_missing = false;
  bool hide_credentials = false;
  std::uint32_t max_pending = 64;
  std::size_t cache_size = 1024;
  std::uint64_t cache_ttl_ms = 300000;
  sdk::Counter allowed, denied, cached, overloaded;

  bool Load(const sdk::ConfigLoad& load);

 private:
  bool LoadNames(const sdk::ConfigNode& root);
  bool LoadLimits(const sdk::ConfigNode& root);
};

// Envoy's BasicAuthPerRoute.
struct BasicAuthRouteConfig {
  BasicAuthUsers users;
  bool Load(const sdk::ConfigLoad& load);
};

}  // namespace weir::filters
