#include "core/server/listener_set.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "core/net/listen_socket.h"
#include "core/server/address_of.h"
#include "core/server/listener_filters.h"
#include "core/server/network_chain_factory.h"
#include "core/server/tls_listener.h"

namespace weir::server {

ListenerSet::~ListenerSet() {
  for (const auto& spec : specs_) {
    for (const int fd : spec->sockets) {
      if (fd >= 0) close(fd);
    }
  }
}

bool ListenerSet::Build(const ServerContext& context, const Wiring& wiring) {
  global_limit_ = std::make_unique<net::ConnectionLimit>(context.bootstrap->limits.max_connections);
  bool ok = true;
  for (const config::Listener& listener : context.bootstrap->listeners)
    ok = BuildOne(context, wiring, listener) && ok;
  return BuildAdmin(context, wiring) && ok;
}

bool ListenerSet::BuildOne(const ServerContext& context, const Wiring& wiring,
                           const config::Listener& listener) {
  auto spec = std::make_unique<ListenerSpec>();
  spec->config = &listener;
  spec->limit = std::make_unique<net::ConnectionLimit>(listener.connection_limit);
  const config::FilterChain& chain = listener.filter_chains.front();
  const size_t before = context.diagnostics->count();
  spec->factory = MakeListenerFilters(
      context, listener,
      MakeTlsListener(context, listener, chain, MakeChain(context, wiring, listener, chain)));
  const bool ok = spec->factory != nullptr && context.diagnostics->count() == before;
  specs_.push_back(std::move(spec));
  return ok;
}

bool ListenerSet::BuildAdmin(const ServerContext& context, const Wiring& wiring) {
  if (!context.bootstrap->admin) return true;
  admin_.name = "admin";
  admin_.address = context.bootstrap->admin->address;
  admin_.mark = context.bootstrap->admin->mark;
  if (wiring.admin == nullptr) {
    context.diagnostics->Add(admin_.mark, "this program has no admin pages");
    return false;
  }
  auto spec = std::make_unique<ListenerSpec>();
  spec->config = &admin_;
  spec->limit = std::make_unique<net::ConnectionLimit>(admin_.connection_limit);
  // Whoever must look at a proxy that is full gets in.
  spec->administrative = true;
  spec->factory = wiring.admin(context, admin_);
  const bool ok = spec->factory != nullptr;
  specs_.push_back(std::move(spec));
  return ok;
}

bool ListenerSet::BindAll(uint32_t workers, std::string* error) {
  for (const auto& spec : specs_) {
    const std::string failure = BindOne(spec.get(), spec->administrative ? 1 : workers);
    if (!failure.empty()) *error += "listener " + spec->config->name + ": " + failure + "\n";
  }
  return error->empty();
}

std::string ListenerSet::BindOne(ListenerSpec* spec, uint32_t workers) {
  const config::Listener& listener = *spec->config;
  spec->bound = AddressOf(listener.address);
  const bool shared = spec->bound.is_unix() || !listener.enable_reuse_port;
  // With one worker the option would only let a second program bind the same port unnoticed.
  const net::ListenOptions options = {static_cast<int>(listener.tcp_backlog_size),
                                      !shared && workers > 1, listener.ipv4_compat};
  for (uint32_t i = 0; i < workers; ++i) {
    if (i > 0 && shared) {
      spec->sockets.push_back(fcntl(spec->sockets[0], F_DUPFD_CLOEXEC, 0));
      if (spec->sockets.back() < 0)
        return "cannot share " + spec->bound.ToString() + ": " + std::strerror(errno);
      continue;
    }
    const net::BindResult result = net::Bind(spec->bound, options);
    if (result.fd < 0) return result.error;
    spec->sockets.push_back(result.fd);
    spec->bound = result.address;
  }
  const std::string path(spec->bound.path());
  struct stat status;
  if (!path.empty() && path[0] != '@' && stat(path.c_str(), &status) == 0) {
    socket_files_.push_back({path, status.st_dev, status.st_ino});
  }
  return "";
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

void ListenerSet::RemoveSocketFiles() {
  for (const SocketFile& file : socket_files_) {
    struct stat status;
    if (stat(file.path.c_str(), &status) != 0) continue;
    if (status.st_dev == file.device && status.st_ino == file.inode) unlink(file.path.c_str());
  }
  socket_files_.clear();
}

int ListenerSet::TakeSocket(size_t listener, uint32_t worker) {
  std::vector<int>& sockets = specs_[listener]->sockets;
  return worker < sockets.size() ? std::exchange(sockets[worker], -1) : -1;
}

}  // namespace weir::server
