#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "core/config/config.h"
#include "core/net/address.h"
#include "core/net/connection_limit.h"
#include "core/net/network_filter.h"
#include "core/server/inherited_sockets.h"
#include "core/server/wiring.h"

namespace weir::server {

class TlsFiles;

// One listener of the configuration, as all workers share it.
struct ListenerSpec {
  ListenerSpec() = default;
  ~ListenerSpec();
  ListenerSpec(const ListenerSpec&) = delete;
  ListenerSpec& operator=(const ListenerSpec&) = delete;

  const config::Listener* config = nullptr;
  std::shared_ptr<const void> keeps;  // `config`
  std::string fingerprint;            // of the configuration; empty: it cannot be told
  std::unique_ptr<net::TerminalFactory> factory;
  std::shared_ptr<TlsFiles> tls;  // that its handshakes follow; null: none
  std::shared_ptr<net::ConnectionLimit> limit;
  bool administrative =
      false;  // the admin listener: on the first worker, outside limits.max_connections
  net::Address bound;
  bool activated = false;    // systemd has bound it
  uint32_t workers = 1;      // that serve it: the first ones
  std::vector<int> sockets;  // one for each of them at least, until the worker takes it
  // Of the configuration before, whose sockets this one takes over; null: they are its own. Only to
  // be compared with: it may be gone.
  const ListenerSpec* predecessor = nullptr;
};

// The listeners of a configuration: their filters, sockets and limits. Made on the main thread
// before the workers see it; then only the limits change.
class ListenerSet {
 public:
  ListenerSet() = default;
  ~ListenerSet() = default;
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;

  // Makes the filters of every listener. Mistakes go to context.diagnostics; false when there was
  // one. Listeners of `previous` that are as they were are taken over as they are.
  bool Build(const ServerContext& context, const Wiring& wiring,
             const ListenerSet* previous = nullptr);
  // Binds every address, for each worker, that `previous` has no sockets of. False, with a line for
  // each that failed in *error; then nothing is bound, and `previous` is as it was.
  bool BindAll(uint32_t workers, std::string* error, const ListenerSet* previous = nullptr);
  // From now on this set is the one in use: the limits that it shares with `previous` are its own,
  // and so are the files of Unix sockets.
  void TakeOver(ListenerSet* previous);
  // From now on BindAll takes sockets from there where they fit. Must outlive it.
  void Inherit(InheritedSockets* inherited) { inherited_ = inherited; }
  // Closes what is left there: no other process needs it any more.
  void DropInherited();
  // "name address" of each listener, replaced at once under its path. False with *error.
  bool WriteAddressFile(const std::string& path, std::string* error) const;
  // Removes the files of Unix sockets that are still ours.
  void RemoveSocketFiles();
  // The same of those alone that no listener of this set is bound to.
  void RemoveUnusedSocketFiles();
  // Another process serves these sockets from now on.
  void LeaveSocketFiles() { socket_files_.clear(); }

  const std::vector<std::shared_ptr<ListenerSpec>>& specs() const { return specs_; }
  // Takes the worker's next socket of a listener; -1 when there is none.
  int TakeSocket(size_t listener, uint32_t worker);
  net::ConnectionLimit* global_limit() { return global_limit_.get(); }

 private:
  struct SocketFile {
    std::string path;
    dev_t device;
    ino_t inode;
  };

  bool BuildOne(const ServerContext& context, const Wiring& wiring,
                const config::Listener& listener, const ListenerSet* previous);
  bool BuildAdmin(const ServerContext& context, const Wiring& wiring, const ListenerSet* previous);
  bool Keep(const std::string& fingerprint, const ListenerSet* previous);
  bool Inherits(ListenerSpec* spec, const ListenerSet* previous, std::string* failure) const;
  std::string BindOne(ListenerSpec* spec, uint32_t workers);
  void RemoveSocketFile(const SocketFile& file);
  std::string Adopt(ListenerSpec* spec);
  std::string FillUp(ListenerSpec* spec);

  std::vector<std::shared_ptr<ListenerSpec>> specs_;
  std::shared_ptr<net::ConnectionLimit> global_limit_;
  uint32_t max_connections_ = 0;
  std::vector<SocketFile> socket_files_;
  InheritedSockets* inherited_ = nullptr;
};

}  // namespace weir::server
