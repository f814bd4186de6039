#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "core/config/config.h"
#include "core/net/address.h"
#include "core/net/connection_limit.h"
#include "core/net/network_filter.h"
#include "core/server/wiring.h"

namespace weir::server {

// One listener of the configuration, as all workers share it.
struct ListenerSpec {
  const config::Listener* config = nullptr;
  std::unique_ptr<net::TerminalFactory> factory;
  std::unique_ptr<net::ConnectionLimit> limit;
  bool administrative =
      false;  // the admin listener: on the first worker, outside limits.max_connections
  net::Address bound;
  std::vector<int> sockets;  // one for each worker that serves it, until the worker takes it
};

// The listeners of a configuration: their filters, sockets and limits. Made on the main thread
// before the workers start; then only the limits change.
class ListenerSet {
 public:
  ListenerSet() = default;
  ~ListenerSet();
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;

  // Makes the filters of every listener. Mistakes go to context.diagnostics; false when there was
  // one.
  bool Build(const ServerContext& context, const Wiring& wiring);
  // Binds every address, for each worker. False, with a line for each that failed in *error.
  bool BindAll(uint32_t workers, std::string* error);
  // "name address" of each listener, replaced at once under its path. False with *error.
  bool WriteAddressFile(const std::string& path, std::string* error) const;
  // Removes the files of Unix sockets that are still ours.
  void RemoveSocketFiles();

  const std::vector<std::unique_ptr<ListenerSpec>>& specs() const { return specs_; }
  // Takes the worker's socket of a listener; -1 when it serves another worker.
  int TakeSocket(size_t listener, uint32_t worker);
  net::ConnectionLimit* global_limit() { return global_limit_.get(); }

 private:
  struct SocketFile {
    std::string path;
    dev_t device;
    ino_t inode;
  };

  bool BuildOne(const ServerContext& context, const Wiring& wiring,
                const config::Listener& listener);
  bool BuildAdmin(const ServerContext& context, const Wiring& wiring);
  std::string BindOne(ListenerSpec* spec, uint32_t workers);

  config::Listener admin_;
  std::vector<std::unique_ptr<ListenerSpec>> specs_;
  std::unique_ptr<net::ConnectionLimit> global_limit_;
  std::vector<SocketFile> socket_files_;
};

}  // namespace weir::server
