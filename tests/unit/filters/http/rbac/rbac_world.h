#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "filters/http/rbac/rbac.h"
#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters::rbac {

// A request from 10.1.2.3 through a proxy at 192.0.2.1, to our port 8443.
struct Request : kit::FakeHttpStream {
  Request() {
    attributes[WEIR_ATTR_DIRECT_ADDRESS] = "192.0.2.1:40000";
    attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = "10.1.2.3:0";
    attributes[WEIR_ATTR_LOCAL_ADDRESS] = "198.51.100.7:8443";
  }
  Request& Path(std::string_view path) {
    SetStart(":path", path);
    return *this;
  }
  Request& Field(std::string name, std::string value) {
    messages[WEIR_REQUEST].fields.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Request& From(std::string address) {
    attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = std::move(address);
    return *this;
  }
  Request& Certificate(std::string uris, std::string names, std::string subject) {
    numbers[WEIR_NUMBER_PEER_VERIFIED] = 1;
    attributes[WEIR_ATTR_PEER_URI_SAN] = std::move(uris);
    attributes[WEIR_ATTR_PEER_DNS_SAN] = std::move(names);
    attributes[WEIR_ATTR_PEER_SUBJECT] = std::move(subject);
    return *this;
  }
};

inline kit::FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return kit::FakeConfig::Http(kHttpRbacApi, yaml, per_route);
}

// Whether the request goes on. Refused, it has been answered.
inline bool Allowed(const kit::FakeConfig& config, const Request& made) {
  EXPECT_TRUE(config.ok()) << config.errors();
  if (!config.ok()) return false;
  auto& request = const_cast<Request&>(made);  // so that a temporary will do
  alignas(16) unsigned char self[sizeof(HttpRbac)] = {};
  EXPECT_EQ(kHttpRbacApi.create(self, config.get(), request.handle()), WEIR_OK);
  const std::int32_t status = kHttpRbacApi.request_headers(self, request.handle(), 1);
  kHttpRbacApi.destroy(self);
  if (request.local_replies == 0) {
    EXPECT_EQ(status, WEIR_CONTINUE);
    return true;
  }
  EXPECT_EQ(status, WEIR_STOP_ALL);
  EXPECT_EQ(request.reply_status, 403u);
  EXPECT_EQ(request.reply_body, "RBAC: access denied");
  return false;
}

// The same of rules that allow what one permission and one principal match.
inline bool Permits(const std::string& permission, const Request& made) {
  return Allowed(Load("rules: {policies: {p: {permissions: [" + permission +
                      "], principals: [{any: true}]}}}"),
                 made);
}
inline bool Knows(const std::string& principal, const Request& made) {
  return Allowed(
      Load("rules: {policies: {p: {permissions: [{any: true}], principals: [" + principal + "]}}}"),
      made);
}
// Of rules that deny what the permission matches: whether the request still goes on.
inline bool EvadesDenial(const std::string& permission, const Request& made) {
  return Allowed(Load("rules: {action: DENY, policies: {p: {permissions: [" + permission +
                      "], principals: [{any: true}]}}}"),
                 made);
}

}  // namespace weir::filters::rbac
