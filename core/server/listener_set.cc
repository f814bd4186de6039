#include "core/server/listener_set.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/listen_socket.h"
#include "core/server/address_of.h"
#include "core/server/fingerprint.h"
#include "core/server/listener_filters.h"
#include "core/server/network_chain_factory.h"
#include "core/server/tls_listener.h"
#include "core/server/tls_setup.h"

namespace weir::server {
namespace {

bool SameAddress(const config::Address& a, const config::Address& b) {
  return a.kind == b.kind && a.ip == b.ip && a.port == b.port && a.path == b.path;
}

// Of what only the admin listener has.
std::string AdminFingerprint(const config::Admin& admin) {
  return std::string("admin ") + (admin.allow_mutations ? "orders " : "") +
         std::to_string(admin.max_connections) + " " + admin.token + " ";
}

}  // namespace

ListenerSpec::~ListenerSpec() {
  for (const int fd : sockets) {
    if (fd >= 0) close(fd);
  }
}

bool ListenerSet::Build(const ServerContext& context, const Wiring& wiring,
                        const ListenerSet* previous) {
  max_connections_ = context.bootstrap->limits.max_connections;
  global_limit_ = previous != nullptr ? previous->global_limit_
                                      : std::make_shared<net::ConnectionLimit>(max_connections_);
  bool ok = true;
  for (const config::Listener& listener : context.bootstrap->listeners)
    ok = BuildOne(context, wiring, listener, previous) && ok;
  return BuildAdmin(context, wiring, previous) && ok;
}

bool ListenerSet::Keep(const std::string& fingerprint, const ListenerSet* previous) {
  if (previous == nullptr || fingerprint.empty()) return false;
  for (const auto& spec : previous->specs_) {
    if (spec->fingerprint != fingerprint) continue;
    specs_.push_back(spec);
    return true;
  }
  return false;
}

bool ListenerSet::BuildOne(const ServerContext& context, const Wiring& wiring,
                           const config::Listener& listener, const ListenerSet* previous) {
  std::string fingerprint;
  if (context.cluster_ids != nullptr)
    fingerprint = FingerprintOf(*context.bootstrap, listener, context.plugins);
  const config::FilterChain& chain = listener.filter_chains.front();
  // Its certificates are no part of that, and are checked all the same.
  if (Keep(fingerprint, previous))
    return chain.tls == nullptr || LoadServerTls(context, listener, chain) != nullptr;
  auto spec = std::make_shared<ListenerSpec>();
  spec->config = &listener;
  spec->keeps = context.bootstrap;
  spec->fingerprint = std::move(fingerprint);
  const size_t before = context.diagnostics->count();
  spec->factory =
      MakeListenerFilters(context, listener,
                          MakeTlsListener(context, listener, chain,
                                          MakeChain(context, wiring, listener, chain), &spec->tls));
  const bool ok = spec->factory != nullptr && context.diagnostics->count() == before;
  specs_.push_back(std::move(spec));
  return ok;
}

bool ListenerSet::BuildAdmin(const ServerContext& context, const Wiring& wiring,
                             const ListenerSet* previous) {
  if (!context.bootstrap->admin) return true;
  auto admin = std::make_shared<config::Listener>();
  admin->name = "admin";
  admin->address = context.bootstrap->admin->address;
  admin->mark = context.bootstrap->admin->mark;
  admin->connection_limit = context.bootstrap->admin->max_connections;
  if (wiring.admin == nullptr) {
    context.diagnostics->Add(admin->mark, "this program has no admin pages");
    return false;
  }
  std::string fingerprint;
  if (context.cluster_ids != nullptr)
    fingerprint = AdminFingerprint(*context.bootstrap->admin) +
                  FingerprintOf(*context.bootstrap, *admin, context.plugins);
  if (Keep(fingerprint, previous)) return true;
  auto spec = std::make_shared<ListenerSpec>();
  spec->config = admin.get();
  spec->fingerprint = std::move(fingerprint);
  // Whoever must look at a proxy that is full gets in.
  spec->administrative = true;
  spec->factory = wiring.admin(context, *admin);
  spec->keeps = std::move(admin);
  const bool ok = spec->factory != nullptr;
  specs_.push_back(std::move(spec));
  return ok;
}

bool ListenerSet::BindAll(uint32_t workers, std::string* error, const ListenerSet* previous) {
  for (const auto& spec : specs_) {
    if (spec->limit != nullptr) continue;  // taken over as it is
    std::string failure;
    if (!Inherits(spec.get(), previous, &failure) && failure.empty())
      failure = BindOne(spec.get(), spec->administrative ? 1 : workers);
    if (!failure.empty()) *error += "listener " + spec->config->name + ": " + failure + "\n";
    if (spec->limit == nullptr)
      spec->limit = std::make_shared<net::ConnectionLimit>(spec->config->connection_limit);
  }
  if (!error->empty() && previous != nullptr) RemoveSocketFiles();
  return error->empty();
}

// Sockets are inherited, never bound anew: who waits at one must not be sent away.
bool ListenerSet::Inherits(ListenerSpec* spec, const ListenerSet* previous,
                           std::string* failure) const {
  if (previous == nullptr) return false;
  const config::Listener& wanted = *spec->config;
  for (const auto& old : previous->specs_) {
    const config::Listener& had = *old->config;
    if (!SameAddress(wanted.address, had.address)) continue;
    if (wanted.address.port == 0 && wanted.address.path.empty() && wanted.name != had.name)
      continue;
    if (std::find(specs_.begin(), specs_.end(), old) != specs_.end()) continue;
    if (wanted.enable_reuse_port != had.enable_reuse_port ||
        wanted.ipv4_compat != had.ipv4_compat || spec->administrative != old->administrative ||
        AddressOf(wanted.address).mode() != AddressOf(had.address).mode()) {
      *failure = "the sockets of " + old->bound.ToString() +
                 " are open and stay: what kind of socket they are cannot change without a restart";
      return false;
    }
    spec->predecessor = old.get();
    spec->bound = old->bound;
    spec->activated = old->activated;
    spec->limit = old->limit;
    return true;
  }
  return false;
}

void ListenerSet::TakeOver(ListenerSet* previous) {
  global_limit_->SetLimit(max_connections_);
  for (const auto& spec : specs_) spec->limit->SetLimit(spec->config->connection_limit);
  for (SocketFile& file : previous->socket_files_) socket_files_.push_back(std::move(file));
  previous->socket_files_.clear();
  inherited_ = std::exchange(previous->inherited_, nullptr);
}

std::string ListenerSet::BindOne(ListenerSpec* spec, uint32_t workers) {
  spec->bound = AddressOf(spec->config->address);
  spec->workers = workers;
  std::string error = Adopt(spec);
  if (error.empty()) error = FillUp(spec);
  if (!error.empty()) return error;
  const std::string path(spec->bound.path());
  struct stat status;
  // systemd's files are systemd's: it listens there when this process is gone.
  if (!spec->activated && !path.empty() && path[0] != '@' && stat(path.c_str(), &status) == 0) {
    socket_files_.push_back({path, status.st_dev, status.st_ino});
  }
  return "";
}

// A process that replaces another one may have fewer workers than that; then some get more than one
// socket, for whoever waits at one that is closed is sent away.
std::string ListenerSet::Adopt(ListenerSpec* spec) {
  if (inherited_ == nullptr) return "";
  const std::vector<InheritedSocket> sockets = inherited_->Take(spec->bound, spec->config->name);
  if (sockets.empty()) return "";
  for (const InheritedSocket& socket : sockets) spec->sockets.push_back(socket.fd);
  spec->bound = sockets.front().bound;
  spec->activated = sockets.front().activated;
  if (spec->activated) return "";  // which addresses it is bound to, the unit says
  int only = 0;
  socklen_t size = sizeof(only);
  if (spec->bound.family() == AF_INET6 && spec->bound.is_any() &&
      getsockopt(spec->sockets[0], IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 &&
      (only == 0) != spec->config->ipv4_compat)
    return "the socket of " + spec->bound.ToString() + " is open, and its ipv4_compat stays " +
           (only == 0 ? "true" : "false");
  return "";
}

std::string ListenerSet::FillUp(ListenerSpec* spec) {
  const config::Listener& listener = *spec->config;
  const size_t had = spec->sockets.size();
  // Whom systemd's sockets belong to may bind what we may not.
  bool shared = spec->bound.is_unix() || !listener.enable_reuse_port || spec->activated;
  // With one worker the option would only let a second program bind the same port unnoticed.
  const net::ListenOptions options = {static_cast<int>(listener.tcp_backlog_size),
                                      !shared && spec->workers > 1, listener.ipv4_compat};
  for (size_t i = had; i < spec->workers; ++i) {
    if (i == 0 || !shared) {
      const net::BindResult result = net::Bind(spec->bound, options);
      if (result.fd >= 0) {
        spec->sockets.push_back(result.fd);
        spec->bound = result.address;
        continue;
      }
      if (had == 0) return result.error;
      // The process before had one worker, and a socket that is for one.
      shared = true;
    }
    spec->sockets.push_back(fcntl(spec->sockets[i % std::max<size_t>(had, 1)], F_DUPFD_CLOEXEC, 0));
    if (spec->sockets.back() < 0)
      return "cannot share " + spec->bound.ToString() + ": " + std::strerror(errno);
  }
  return "";
}

void ListenerSet::DropInherited() {
  if (inherited_ != nullptr) inherited_->CloseRest();
  inherited_ = nullptr;
}

bool ListenerSet::WriteAddressFile(const std::string& path, std::string* error) const {
  const std::string unfinished = path + ".new";
  std::FILE* file = std::fopen(unfinished.c_str(), "we");
  bool ok = file != nullptr;
  for (const auto& spec : specs_) {
    if (!ok) break;
    ok = std::fprintf(file, "%s %s\n", spec->config->name.c_str(), spec->bound.ToString().c_str()) >
         0;
  }
  if (file != nullptr) ok = std::fclose(file) == 0 && ok;
  ok = ok && std::rename(unfinished.c_str(), path.c_str()) == 0;
  if (!ok) *error = "cannot write " + path + ": " + std::strerror(errno);
  return ok;
}

void ListenerSet::RemoveSocketFile(const SocketFile& file) {
  struct stat status;
  if (stat(file.path.c_str(), &status) != 0) return;
  if (status.st_dev == file.device && status.st_ino == file.inode) unlink(file.path.c_str());
}

void ListenerSet::RemoveSocketFiles() {
  for (const SocketFile& file : socket_files_) RemoveSocketFile(file);
  socket_files_.clear();
}

void ListenerSet::RemoveUnusedSocketFiles() {
  const auto unused = [this](const SocketFile& file) {
    const bool used = std::any_of(specs_.begin(), specs_.end(), [&](const auto& spec) {
      return spec->bound.path() == file.path;
    });
    if (!used) RemoveSocketFile(file);
    return !used;
  };
  socket_files_.erase(std::remove_if(socket_files_.begin(), socket_files_.end(), unused),
                      socket_files_.end());
}

int ListenerSet::TakeSocket(size_t listener, uint32_t worker) {
  ListenerSpec& spec = *specs_[listener];
  if (worker >= spec.workers) return -1;
  for (size_t i = worker; i < spec.sockets.size(); i += spec.workers) {
    if (spec.sockets[i] >= 0) return std::exchange(spec.sockets[i], -1);
  }
  return -1;
}

}  // namespace weir::server
