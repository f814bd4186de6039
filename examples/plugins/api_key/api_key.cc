// An HTTP filter that lets a request go on when a service says so: it asks the cluster with the
// request's API key, and remembers nothing. No key: 401. The service says 200: the request goes on,
// with the user that the answer names. Any other status: 403. No answer: 503, for a filter that
// guards something fails closed.
//
//   http_filters:
//     - { name: api_key, typed_config: { cluster: keys, path: /check, timeout: 250ms } }
//     - { name: mux }
#include <string>

#include "plugins/sdk/weir.hpp"

namespace {

using weir::sdk::Status;

struct ApiKeyConfig {
  std::string cluster;
  std::string path = "/";
  std::int64_t timeout_ms = 1000;
  weir::sdk::Counter allowed;
  weir::sdk::Counter denied;
  weir::sdk::Counter failed;

  bool Load(const weir::sdk::ConfigLoad& load) {
    if (!load.node.ExpectMap("the configuration of api_key")) return false;
    bool ok = load.node.Get("cluster").Read(&cluster);
    if (const auto node = load.node.Get("path")) ok = node.Read(&path) && ok;
    if (const auto node = load.node.Get("timeout")) {
      ok = node.ReadDuration(&timeout_ms) && ok;
      if (timeout_ms < 1 || timeout_ms > 60'000) ok = node.Fail("timeout is 1ms to 60s");
    }
    allowed = load.host.MakeCounter("api_key.allowed");
    denied = load.host.MakeCounter("api_key.denied");
    failed = load.host.MakeCounter("api_key.failed");
    return ok;
  }
};

class ApiKey : public weir::sdk::HttpFilter<ApiKey, ApiKeyConfig> {
 public:
  Status OnRequestHeaders(bool /*end_stream*/) {
    const std::string key(request().Get("x-api-key"));
    // What the backend believes comes from here alone.
    request().Remove("x-user");
    if (key.empty()) return Refuse(401, "an API key is needed\n", config().denied);
    weir::sdk::CalloutRequest ask;
    ask.cluster = config().cluster;
    ask.path = config().path;
    ask.fields = {{"x-api-key", key}};
    ask.timeout_ms = static_cast<std::uint32_t>(config().timeout_ms);
    const bool asked =
        callout_.Start(host(), ask, [this](weir::sdk::CalloutResponse&& answer) { On(answer); });
    if (!asked) return Refuse(503, "keys cannot be checked\n", config().failed);
    return Status::kStopAll;
  }

 private:
  Status Refuse(std::uint32_t status, const char* body, const weir::sdk::Counter& counter) {
    counter.Add();
    weir::sdk::Reply reply;
    reply.status = status;
    reply.body = body;
    reply.details = "api_key";
    return stream().LocalReply(reply) ? Status::kStopAll : Status::kFail;
  }

  void On(const weir::sdk::CalloutResponse& answer) {
    if (!answer.ok()) {
      Refuse(503, "keys cannot be checked\n", config().failed);
    } else if (answer.status != 200) {
      Refuse(403, "this API key is not good\n", config().denied);
    } else {
      config().allowed.Add();
      const std::string_view user = answer.Get("x-user");
      if (!user.empty()) request().Set("x-user", user);
      stream().Resume(WEIR_REQUEST);
    }
  }

  weir::sdk::Callout callout_;  // ends with the filter
};

}  // namespace

WEIR_HTTP_FILTER(api_key, "1.0", ApiKey)
