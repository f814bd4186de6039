#include "core/net/dns/cares_resolver.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <ares.h>
#include <event2/event.h>
#include <netdb.h>
#include <sys/time.h>

#include "core/net/dns/service_reply.h"

namespace weir::net::dns {
namespace {

constexpr uint32_t kMaxTtl = 7 * 24 * 3600;
constexpr int kClassInternet = 1;
constexpr int kTypeService = 33;

std::string ServerList(const std::vector<Address>& servers) {
  std::string text;
  for (const Address& server : servers) {
    if (!text.empty()) text += ",";
    text += server.ToString();
  }
  return text;
}

// "There is nothing" as against "nobody can say".
Status StatusOf(int status) {
  if (status == ARES_SUCCESS) return Status::kFound;
  return status == ARES_ENOTFOUND || status == ARES_ENODATA ? Status::kEmpty : Status::kFailed;
}

bool Unreachable(int status) {
  return status == ARES_ECONNREFUSED || status == ARES_ETIMEOUT || status == ARES_ENOTINITIALIZED;
}

struct Library {
  Library() { status = ares_library_init(ARES_LIB_INIT_ALL); }
  ~Library() { ares_library_cleanup(); }
  int status;
};

}  // namespace

struct CaresResolver::Query {
  CaresResolver* resolver;
  std::function<void(Answer)> done;
  std::function<void(ServiceAnswer)> service_done;
};

struct CaresResolver::Socket {
  ~Socket() {
    if (watch != nullptr) event_free(watch);
  }
  event* watch = nullptr;
  short what = 0;
};

// What c-ares and libevent call.
struct CaresResolver::Calls {
  static void OnEvent(int fd, short what, void* self) {
    auto* resolver = static_cast<CaresResolver*>(self);
    resolver->loop_->BeginDispatch();
    resolver->Process((what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                      (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
  }
  static void OnState(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<CaresResolver*>(self)->OnSocket(fd, readable != 0, writable != 0);
  }
  static void OnAddresses(void* arg, int status, int, ares_addrinfo* list) {
    const std::unique_ptr<Query> query(static_cast<Query*>(arg));
    Answer answer;
    answer.status = StatusOf(status);
    if (status == ARES_SUCCESS) Read(*list, &answer);
    if (list != nullptr) ares_freeaddrinfo(list);
    if (answer.status != Status::kFound && answer.error.empty())
      answer.error = ares_strerror(status);
    if (status == ARES_EDESTRUCTION) return;
    query->resolver->EndQuery(status);
    query->done(std::move(answer));
  }
  static void OnService(void* arg, int status, int, unsigned char* bytes, int size) {
    const std::unique_ptr<Query> query(static_cast<Query*>(arg));
    if (status == ARES_EDESTRUCTION) return;
    ServiceAnswer answer;
    if (status == ARES_SUCCESS) {
      answer = ReadServiceReply(bytes, static_cast<size_t>(size));
    } else {
      answer.status = StatusOf(status);
      answer.error = ares_strerror(status);
    }
    query->resolver->EndQuery(status);
    query->service_done(std::move(answer));
  }

 private:
  static void Read(const ares_addrinfo& list, Answer* answer) {
    answer->ttl_s = kMaxTtl;
    for (const ares_addrinfo_node* node = list.nodes; node != nullptr; node = node->ai_next) {
      Address address = Address::From(node->ai_addr, node->ai_addrlen);
      if (!address.is_ip() || address.is_any()) continue;
      address.set_port(0);
      auto& all = answer->addresses;
      if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
      answer->ttl_s = std::min(answer->ttl_s, static_cast<uint32_t>(std::max(0, node->ai_ttl)));
    }
    for (const ares_addrinfo_cname* name = list.cnames; name != nullptr; name = name->next) {
      if (name->alias != nullptr)
        answer->ttl_s = std::min(answer->ttl_s, static_cast<uint32_t>(std::max(0, name->ttl)));
    }
    if (!answer->addresses.empty()) return;
    answer->status = Status::kEmpty;
    answer->error = "no addresses";
  }
};

CaresResolver::CaresResolver(EventLoop* loop, ResolverOptions options)
    : loop_(loop), options_(std::move(options)) {
  static const Library library;
  if (library.status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(library.status));
  Open();
}

CaresResolver::~CaresResolver() {
  Close();
}

void CaresResolver::Open() {
  ares_options options = {};
  int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS;
  options.sock_state_cb = &Calls::OnState;
  options.sock_state_cb_data = this;
  options.timeout = static_cast<int>(options_.timeout_ms);
  options.tries = static_cast<int>(options_.tries);
  if (options_.use_tcp) options.flags |= ARES_FLAG_USEVC;
  if (options_.no_search_domain) options.flags |= ARES_FLAG_NOSEARCH;
  int status = ares_init_options(&channel_, &options, mask);
  if (status == ARES_SUCCESS && !options_.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, ServerList(options_.servers).c_str());
    if (status != ARES_SUCCESS) ares_destroy(channel_);
  }
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    throw std::runtime_error(std::string("c-ares: ") + ares_strerror(status));
  }
  stale_ = false;
}

void CaresResolver::Close() {
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  sockets_.clear();
}

void CaresResolver::BeginQuery() {
  // A pod's or a laptop's servers may be other ones by now. Not from inside the channel.
  if (stale_ && pending_ == 0 && inside_ == 0 && options_.servers.empty()) {
    Close();
    Open();
  }
  ++pending_;
}

void CaresResolver::EndQuery(int status) {
  --pending_;
  if (Unreachable(status)) stale_ = true;
}

void CaresResolver::Lookup(const std::string& name, Family family,
                           std::function<void(Answer)> done) {
  BeginQuery();
  ares_addrinfo_hints hints = {};
  hints.ai_family = family == Family::kIpv4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  auto* query = new Query{this, std::move(done), nullptr};
  ++inside_;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &Calls::OnAddresses, query);
  --inside_;
  ArmTimer();
}

void CaresResolver::LookupService(const std::string& name,
                                  std::function<void(ServiceAnswer)> done) {
  BeginQuery();
  auto* query = new Query{this, nullptr, std::move(done)};
  ++inside_;
  ares_search(channel_, name.c_str(), kClassInternet, kTypeService, &Calls::OnService, query);
  --inside_;
  ArmTimer();
}

void CaresResolver::OnSocket(int fd, bool readable, bool writable) {
  if (!readable && !writable) {
    sockets_.erase(fd);
    return;
  }
  const auto what =
      static_cast<short>((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST);
  std::unique_ptr<Socket>& socket = sockets_[fd];
  if (socket == nullptr) socket = std::make_unique<Socket>();
  if (socket->watch != nullptr && socket->what == what) return;
  if (socket->watch != nullptr) event_free(socket->watch);
  socket->what = what;
  socket->watch = event_new(loop_->base(), fd, what, &Calls::OnEvent, this);
  event_add(socket->watch, nullptr);
}

void CaresResolver::Process(int readable, int writable) {
  ++inside_;
  ares_process_fd(channel_, readable, writable);
  --inside_;
  ArmTimer();
}

void CaresResolver::OnTimer() {
  Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void CaresResolver::ArmTimer() {
  if (channel_ == nullptr) return;
  timeval room;
  const timeval* wait = ares_timeout(channel_, nullptr, &room);
  uint64_t at = 0;
  if (wait != nullptr) {
    const auto ms =
        static_cast<uint64_t>(wait->tv_sec) * 1000 + static_cast<uint64_t>(wait->tv_usec) / 1000;
    at = EventLoop::MonotonicMs() + ms + 1;
  }
  loop_->reactor()->SetDeadline(&timer_, at);
}

}  // namespace weir::net::dns
