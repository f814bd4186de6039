#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/address.h"

namespace weir::server {

// A listening socket that whoever started this process has bound: the process before it in an
// upgrade, or systemd.
struct InheritedSocket {
  int fd = -1;
  std::string name;        // of the listener that it was bound for; of systemd: FileDescriptorName
  net::Address bound;      // as the kernel says
  bool activated = false;  // by systemd, whose its file is too
};

// The listening sockets that this process was started with, until listeners take them. Main thread.
//
//   WEIR_LISTEN_FDS=7:main,8:main,9:admin:activated
//                                            from the process that this one replaces; names are
//                                            percent-encoded; the last one came from systemd
//   LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES   systemd's socket activation (sd_listen_fds(3))
class InheritedSockets {
 public:
  InheritedSockets() = default;
  // Closes what nobody took.
  ~InheritedSockets();
  InheritedSockets(const InheritedSockets&) = delete;
  InheritedSockets& operator=(const InheritedSockets&) = delete;

  // Reads the variables and removes them from the environment. Each descriptor must be a listening
  // stream socket; false, with the reason in *error, when something is not as it must be.
  bool FromEnvironment(std::string* error);

  // The sockets of a listener, which the caller owns from now on: those that are bound to its
  // address; where there are none, one of systemd with its name; of an address with port 0 those of
  // the same listener before.
  std::vector<InheritedSocket> Take(const net::Address& wanted, const std::string& listener);

  // Closes what nobody took, with a line in the log for each, and removes the files of Unix sockets
  // among it.
  void CloseRest();

 private:
  bool Add(int fd, std::string name, bool activated, std::string* error);
  bool FromPredecessor(std::string_view text, std::string* error);
  bool FromSystemd(std::string_view count, std::string_view names, std::string* error);

  std::vector<InheritedSocket> sockets_;
};

// The listening sockets of this process that are bound to the address of one of `listeners`, each
// once, with its name, duplicated and close-on-exec; the caller owns them. Of `listeners` the
// descriptors do not matter. Any thread, whatever others close meanwhile.
std::vector<InheritedSocket> DuplicateListening(const std::vector<InheritedSocket>& listeners);

// The value of WEIR_LISTEN_FDS for these.
std::string ListenVariable(const std::vector<InheritedSocket>& sockets);

}  // namespace weir::server
