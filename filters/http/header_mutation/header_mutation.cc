#include "filters/http/header_mutation/header_mutation.h"

#include "filters/http/header_mutation/mutation_list.h"
#include "filters/http/header_mutation/query_mutations.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Fields;
using sdk::Status;

constexpr char kName[] = "header_mutation";

struct Config {
  MutationList request;
  MutationList response;
  MutationList request_trailers;
  MutationList response_trailers;
  QueryMutations query;

  bool Load(const sdk::ConfigLoad& load) {
    const ConfigNode& root = load.node;
    if (!root) return root.Fail("header_mutation needs mutations");
    if (!root.ExpectMap(kName)) return false;
    bool ok = true;
    if (const ConfigNode wins = root.Get("most_specific_header_mutations_wins")) {
      bool on = false;
      ok = wins.Read(&on) &&
           (!on || wins.Fail("most_specific_header_mutations_wins is not available: only the most "
                             "specific entry of a route applies"));
    }
    const ConfigNode mutations = root.Get("mutations");
    if (!mutations) return root.Fail("header_mutation needs mutations");
    if (!mutations.ExpectMap("mutations")) return false;
    const auto list = [&](const char* key, MutationList* out) {
      ok = out->Load(mutations.Get(key), key) && ok;
    };
    list("request_mutations", &request);
    list("response_mutations", &response);
    list("request_trailers_mutations", &request_trailers);
    list("response_trailers_mutations", &response_trailers);
    return query.Load(mutations.Get("query_parameter_mutations")) && ok;
  }
};

// First the filter's own changes, then the route's.
class HeaderMutation : public sdk::HttpFilter<HeaderMutation, Config> {
 public:
  Status OnRequestHeaders(bool) {
    const Config* const route = route_config();
    if (!ChangeQuery(config()) || (route != nullptr && !ChangeQuery(*route))) return Status::kFail;
    return Change(&Config::request, request());
  }
  Status OnRequestTrailers() {
    return Change(&Config::request_trailers, stream().request_trailers());
  }
  Status OnResponseHeaders(bool) { return Change(&Config::response, response()); }
  Status OnResponseTrailers() {
    return Change(&Config::response_trailers, stream().response_trailers());
  }

 private:
  Status Change(MutationList Config::*list, const Fields& fields) {
    const Config* const route = route_config();
    const bool done =
        (config().*list).Apply(fields) && (route == nullptr || (route->*list).Apply(fields));
    return done ? Status::kContinue : Status::kFail;
  }
  bool ChangeQuery(const Config& from) {
    return from.query.empty() || stream().SetPath(from.query.Apply(stream().path()));
  }
};

}  // namespace

constinit const weir_http_filter_api kHeaderMutationApi =
    sdk::HttpFilterApi<HeaderMutation, kName>();

}  // namespace weir::filters
