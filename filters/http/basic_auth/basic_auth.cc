#include "filters/http/basic_auth/basic_auth.h"

#include <utility>

namespace weir::filters {
namespace {

using sdk::Status;

// Envoy's words.
constexpr std::string_view kNone = "no_credential_for_basic_auth";
constexpr std::string_view kScheme = "invalid_scheme_for_basic_auth";
constexpr std::string_view kFormat = "invalid_format_for_basic_auth";
constexpr std::string_view kWrong = "invalid_credential_for_basic_auth";
constexpr std::string_view kBusy = "basic_auth_overloaded";

}  // namespace

struct BasicAuth::Job {
  Job(BasicAuthWorker* counted, const Credentials& given) : worker(counted), credentials(given) {
    ++worker->hashing;
  }
  ~Job() { --worker->hashing; }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  BasicAuthWorker* worker;
  Credentials credentials;
  CredentialMac mac{};
  BasicAuthUsers users;  // shares the list: it lives until the hash is there
  PasswordHash::Sha1 sha1 = nullptr;
  bool right = false;

  // On a helper thread. Takes as long whoever it is.
  void Run() {
    const UserList& list = users.list();
    const PasswordHash* const own = list.Find(credentials.user);
    const bool quick = own != nullptr && own->kind() == PasswordHash::Kind::kSha;
    bool equal = quick && own->Matches(credentials.password, sha1);
    for (const PasswordHash* const hash : list.Work(own)) {
      const bool matches = hash->Matches(credentials.password, sha1);
      equal = equal || (hash == own && matches);
    }
    right = equal;
  }
};

const BasicAuthUsers& BasicAuth::users() const {
  const BasicAuthRouteConfig* const route = route_config();
  return route == nullptr ? config().users : route->users;
}

BasicAuthWorker& BasicAuth::worker() const {
  return users().worker(host().worker());
}

Status BasicAuth::OnRequestHeaders(bool) {
  const auto field = request().Find(config().header);
  if (!field) return Missing();
  // Two of them: another party might take the other one.
  if (request().Find(config().header, 1)) return Deny(kFormat);
  Credentials credentials;
  switch (credentials.Parse(*field)) {
    case Credentials::Problem::kScheme:
      return Deny(kScheme);
    case Credentials::Problem::kFormat:
      return Deny(kFormat);
    case Credentials::Problem::kNone:
      break;
  }
  return Check(credentials);
}

Status BasicAuth::Missing() {
  if (!config().allow_missing) return Deny(kNone);
  // The name is this filter's to say: a client cannot say it.
  const std::string& forward = config().forward_header;
  return forward.empty() || request().Remove(forward) ? Status::kContinue : Status::kFail;
}

Status BasicAuth::Check(const Credentials& credentials) {
  const UserList& list = users().list();
  if (list.slow()) return Hash(credentials);
  static const PasswordHash nobody = [] {
    PasswordHash hash;
    (void)hash.Parse("{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    return hash;
  }();
  const PasswordHash* const known = list.Find(credentials.user);
  const PasswordHash& hash = known == nullptr ? nobody : *known;
  const bool equal = hash.Matches(credentials.password, host().abi()->sha1);
  if (!equal || known == nullptr) return Deny(kWrong);
  return Allow(credentials.user) ? Status::kContinue : Status::kFail;
}

Status BasicAuth::Hash(const Credentials& credentials) {
  BasicAuthWorker& mine = worker();
  const CredentialMac mac = users().Mac(host(), credentials.user, credentials.password);
  if (mine.cache.Has(mac, host().NowMs())) {
    config().cached.Add();
    return Allow(credentials.user) ? Status::kContinue : Status::kFail;
  }
  bool started = false;
  if (mine.hashing < config().max_pending) {
    const auto job = std::make_shared<Job>(&mine, credentials);
    job->mac = mac;
    job->users = users();
    job->sha1 = host().abi()->sha1;
    started = Offload([job] { job->Run(); }, [job](BasicAuth& self) { self.OnHashed(*job); });
  }
  if (started) return Status::kStopAllWatermark;
  config().overloaded.Add();
  return Answer({503, "too many passwords wait to be looked at", kBusy, {{"retry-after", "1"}}});
}

void BasicAuth::OnHashed(const Job& job) {
  if (!job.right) {
    // Between the hooks nobody hears of a failure: the request that waits would go on waiting.
    if (Deny(kWrong) == Status::kFail) stream().Reset();
    return;
  }
  job.worker->cache.Add(job.mac, host().NowMs() + config().cache_ttl_ms, config().cache_size);
  if (Allow(job.credentials.user)) {
    stream().Resume(WEIR_REQUEST);
  } else if (!stream().LocalReply({500, "", "basic_auth_error", {}})) {
    stream().Reset();
  }
}

bool BasicAuth::Allow(const std::string& user) {
  config().allowed.Add();
  if (config().hide_credentials && !request().Remove(config().header)) return false;
  return config().forward_header.empty() || request().Set(config().forward_header, user);
}

Status BasicAuth::Answer(const sdk::Reply& reply) {
  return stream().LocalReply(reply) ? Status::kStopAll : Status::kFail;
}

Status BasicAuth::Deny(std::string_view details) {
  config().denied.Add();
  const std::string_view body = details == kNone ? "a user name and a password are needed"
                                                 : "this user name and password are not valid";
  return Answer({401, body, details, {{"www-authenticate", config().challenge}}});
}

namespace {
constexpr char kName[] = "basic_auth";
}  // namespace

const weir_http_filter_api kBasicAuthApi = sdk::HttpFilterApi<BasicAuth, kName>();

}  // namespace weir::filters
