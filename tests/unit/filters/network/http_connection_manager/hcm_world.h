#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/net/network_filter.h"
#include "core/observe/access_log.h"
#include "core/observe/date_cache.h"
#include "filters/http/mux/mux.h"
#include "filters/network/http_connection_manager/hcm.h"
#include "tests/support/scripted_filters.h"
#include "tests/unit/core/upstream/fake_worker.h"

namespace weir::hcm {

// One accepted connection, seen from the client.
struct Client {
  test::FakePeer peer;
  test::FakeIo* io = nullptr;
};

// A whole worker from the connection manager to the backends' connections, wired as in the program,
// without sockets: clients and backends are the test's, and so is the clock.
class HcmWorld {
 public:
  // log_path: where the access log goes; it is whole when the world has ended.
  // keys: lines of the connection manager, at no indent, "idle_timeout: 5s\nvia: weir". routes: a
  // list in one line; by default all goes to the cluster "app", of one backend. cluster: further
  // keys of it, each behind a comma. scripts: up to three HTTP filters in front of the Mux, called
  // script_0 and so on; their hooks are those that are set now. upstream: what backends speak.
  explicit HcmWorld(const std::string& keys = "", const std::string& routes = "",
                    const std::string& cluster = "", const std::string& log_path = "",
                    const std::vector<test::FilterScript*>& scripts = {},
                    const upstream::UpstreamCodec& upstream = test::H1Upstream());
  ~HcmWorld();
  HcmWorld(const HcmWorld&) = delete;
  HcmWorld& operator=(const HcmWorld&) = delete;

  // tls: the handshake is over already, and settled this.
  Client& Connect(const test::FakeTls* tls = nullptr);
  // All that is sent is there before the worker turns.
  void Send(Client& client, const std::string& bytes);
  void Turn() { worker.Turn(); }
  void Pass(uint64_t ms) { worker.Pass(ms); }
  // What the client got since the last call.
  std::string Got(Client& client) {
    std::string text;
    text.swap(client.peer.written);
    return text;
  }
  // One request on a connection of its own; what its client got.
  std::string Ask(const std::string& request) {
    Client& client = Connect();
    Send(client, request);
    return Got(client);
  }
  test::Dialled& backend(size_t i) { return worker.dialer.at(i); }
  // The answer of backend connection i, which the client then has.
  void Answer(size_t i, const std::string& bytes) {
    backend(i).Send(bytes);
    Turn();
  }
  void Drain();
  uint64_t Stat(const std::string& name) { return worker.Stat("http.main." + name); }
  uint64_t ClusterStat(const std::string& name) { return worker.Stat("cluster.app." + name); }
  net::TerminalFilter* terminal() { return terminal_.get(); }

  test::FakeWorker worker;

 private:
  class Home final : public net::ConnectionHome {
    void OnPlaceFreed() override {}
  };
  class Maker;
  struct ScriptPlugin;

  std::unique_ptr<ScriptPlugin> scripts_;
  std::shared_ptr<const config::Bootstrap> bootstrap_;
  observe::DateCache dates_;
  mux::Pools pools_;
  Home home_;
  std::unique_ptr<observe::LogWriter> log_writer_;
  std::unique_ptr<observe::AccessLogBuffer> log_;
  std::unique_ptr<net::TerminalFactory> factory_;
  std::unique_ptr<net::TerminalFilter> terminal_;
  std::vector<std::unique_ptr<Client>> clients_;
};

// The value of a field in a message, "(none)" without it; several are joined by "|".
std::string FieldOf(const std::string& message, const std::string& name);

inline constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
inline constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

}  // namespace weir::hcm
