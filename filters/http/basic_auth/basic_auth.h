#pragma once

#include <memory>
#include <string>

#include "filters/http/basic_auth/basic_auth_config.h"
#include "filters/http/basic_auth/credentials.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {

// Lets a request pass whose user and password (RFC 7617) are in a list.
//
// Slow hashes are computed on the host's helper threads, with the request withheld; credentials
// that were right are remembered for a while, so that a user is hashed once, not with each request.
class BasicAuth : public sdk::HttpFilter<BasicAuth, BasicAuthConfig, BasicAuthRouteConfig> {
 public:
  sdk::Status OnRequestHeaders(bool end_stream);

 private:
  // One password on its way through a helper thread. Counted as long as it is there, whatever
  // becomes of the stream; made and ended on the worker.
  struct Job;

  const BasicAuthUsers& users() const;
  BasicAuthWorker& worker() const;
  sdk::Status Missing();
  sdk::Status Check(const Credentials& credentials);
  sdk::Status Hash(const Credentials& credentials);
  void OnHashed(const Job& job);
  bool Allow(const std::string& user);
  sdk::Status Answer(const sdk::Reply& reply);
  sdk::Status Deny(std::string_view details);
};

extern const weir_http_filter_api kBasicAuthApi;

}  // namespace weir::filters
