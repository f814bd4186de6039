#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filters/http/ext_authz/ext_authz_config.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {

// Asks a service whether a request may pass, by an HTTP request of the same method and path. The
// request waits, with its body if the service wants to see it; whatever is not a clear yes is a no.
class ExtAuthz : public sdk::HttpFilter<ExtAuthz, ExtAuthzConfig, ExtAuthzRouteConfig> {
 public:
  sdk::Status OnRequestHeaders(bool end_stream);
  sdk::Status OnRequestData(bool end_stream);
  sdk::Status OnResponseHeaders(bool end_stream);

 private:
  enum class State : std::uint8_t {
    kOff,      // nothing is asked
    kBody,     // the body is awaited
    kAsking,   // the service is
    kAllowed,  // the request goes on
    kOver,     // it has been answered
  };
  using FieldList = std::vector<std::pair<std::string_view, std::string_view>>;

  AuthzBody BodySettings() const;
  bool Ask(bool partial);
  FieldList Fields() const;
  void OnAnswer(const sdk::CalloutResponse& answer);
  void Allow(const sdk::CalloutResponse& answer);
  void Deny(const sdk::CalloutResponse& answer);
  // False: the request has been answered.
  bool Fail();
  bool RemoveForeign(bool* changed);
  bool Apply(const sdk::CalloutResponse& answer, bool* changed);
  bool IsForeign(std::string_view name) const;
  void Refuse(std::uint32_t status, std::string_view details);

  State state_ = State::kOff;
  AuthzBody body_;
  sdk::Callout callout_;
  std::vector<std::pair<std::string, std::string>> for_client_;  // on success
};

extern const weir_http_filter_api kExtAuthzApi;

}  // namespace weir::filters
