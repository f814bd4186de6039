#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/trial.h"
#include "plugins/sdk/view.h"

namespace weir::kit {
namespace {

constexpr std::uint8_t kGuard = 0xa5;
constexpr std::size_t kGuardSize = 64;

// A filter's state, with a guard behind it.
class State {
 public:
  explicit State(std::uint32_t size) : size_(size), bytes_((size + kGuardSize + 15) / 8) {
    std::memset(bytes_.data(), kGuard, bytes_.size() * 8);
    std::memset(bytes_.data(), 0, size);
  }
  void* self(void* config) { return size_ == 0 ? config : bytes_.data(); }
  void Check(const char* hook, Verdict* verdict) const {
    const auto* const begin = reinterpret_cast<const std::uint8_t*>(bytes_.data());
    if (std::all_of(begin + size_, begin + bytes_.size() * 8,
                    [](std::uint8_t byte) { return byte == kGuard; })) {
      return;
    }
    verdict->Fail(std::string(hook) + " writes behind the " + std::to_string(size_) +
                  " bytes of its state");
  }

 private:
  std::uint32_t size_;
  std::vector<std::uint64_t> bytes_;
};

void Address(FakeConnection* connection) {
  connection->attributes = {{WEIR_ATTR_DOWNSTREAM_ADDRESS, "192.0.2.1:4711"},
                            {WEIR_ATTR_DIRECT_ADDRESS, "192.0.2.1:4711"},
                            {WEIR_ATTR_LOCAL_ADDRESS, "192.0.2.9:80"},
                            {WEIR_ATTR_LISTENER, "main"}};
  connection->numbers = {{WEIR_NUMBER_CONNECTION_ID, 1}, {WEIR_NUMBER_DOWNSTREAM_PORT, 4711}};
}

// What a client may send first, from text to noise.
std::vector<std::string> Inputs() {
  std::vector<std::string> inputs = {
      "",
      "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nrest",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2",
      "PROXY UNKNOWN\r\n",
      "PROXY " + std::string(200, 'x'),
      std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00"
                  "\x02rest",
                  32),
      std::string("\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", 16),
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      std::string(70000, '\0'),
      std::string(70000, '\xff')};
  std::string noise;
  std::uint32_t state = 7;
  for (int i = 0; i < 2000; ++i) {
    state = state * 1664525u + 1013904223u;
    noise += static_cast<char>(state >> 24);
  }
  inputs.push_back(noise);
  return inputs;
}

std::vector<std::string> Cut(const std::string& text, std::size_t size) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size(); at += size) pieces.push_back(text.substr(at, size));
  return pieces;
}

constexpr std::size_t kPieceSizes[] = {1, 3, 13, 1000, 100000};

// ---- Network filters

const weir_network_filter_api& NetworkApi(const Subject& subject) {
  return subject.As<weir_network_filter_api>();
}

FakeConfig NetworkConfig(const Subject& subject, Verdict* verdict) {
  FakeConfig config = FakeConfig::Network(NetworkApi(subject), subject.config);
  if (!config.ok()) verdict->Fail("refuses the configuration that was given:\n" + config.errors());
  return config;
}

bool GoodNetworkStatus(const char* hook, std::int32_t status, bool may_fail, Verdict* verdict) {
  if (status == WEIR_CONTINUE || status == WEIR_STOP) return true;
  if (status >= 0 || status < WEIR_NO_ROOM) {
    verdict->Fail(std::string(hook) + " answers " + std::to_string(status) + ", which it must not");
  } else if (!may_fail) {
    verdict->Fail(std::string(hook) + " answers " + std::to_string(status) +
                  " to an ordinary connection");
  }
  return false;
}

// One connection: its bytes in pieces, an end, and the hooks between.
void RunConnection(const Subject& subject, void* config, const std::vector<std::string>& pieces,
                   bool end, std::int32_t failure, Verdict* verdict,
                   std::vector<std::uint64_t>* times = nullptr) {
  const weir_network_filter_api& api = NetworkApi(subject);
  FakeConnection connection;
  Address(&connection);
  connection.failure = failure;
  State state(api.state_size);
  void* const self = state.self(config);
  if (api.create != nullptr) {
    const std::int32_t status = api.create(self, config, connection.handle());
    state.Check("create", verdict);
    if (status < 0) {
      GoodNetworkStatus("create", status, failure != 0, verdict);
      return;
    }
  }
  bool going = api.new_connection == nullptr ||
               GoodNetworkStatus("new_connection", api.new_connection(self, connection.handle()),
                                 failure != 0, verdict);
  for (std::size_t i = 0; going && !connection.closed && api.data != nullptr && i <= pieces.size();
       ++i) {
    const bool last = i == pieces.size();
    if (last && !end) break;
    if (!last) connection.received += pieces[i];
    const std::uint64_t begun = NowUs();
    const std::int32_t status = api.data(self, connection.handle(), last ? 1 : 0);
    if (times != nullptr) times->push_back(NowUs() - begun);
    going = GoodNetworkStatus("data", status, failure != 0, verdict);
    state.Check("data", verdict);
    // What goes on belongs to the next filter.
    if (going && status == WEIR_CONTINUE) connection.received.clear();
    if (i % 8 == 3 && api.writable != nullptr) api.writable(self, connection.handle());
    World().RunPosted();
    World().Advance(10);
  }
  if (going && !connection.closed && WEIR_HAS(&api, drain) && api.drain != nullptr) {
    api.drain(self, connection.handle());
  }
  state.Check("drain", verdict);
  if (connection.drained_too_much) verdict->Fail("takes more bytes than were received");
  connection.End();
  if (api.destroy != nullptr) api.destroy(self);
  state.Check("destroy", verdict);
  World().RunPosted();
  ForgetNotes();
}

void NetworkConfigs(const Subject& subject, Verdict* verdict) {
  NetworkConfig(subject, verdict);
  std::vector<std::string> all = BrokenConfigs(subject.config);
  all.emplace_back();
  for (const std::string& yaml : all) {
    const FakeConfig config = FakeConfig::Network(NetworkApi(subject), yaml);
    if (config.ok()) RunConnection(subject, config.get(), {"x"}, true, WEIR_ERROR, verdict);
  }
}

void NetworkInputs(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = NetworkConfig(subject, verdict);
  if (!config.ok()) return;
  for (const std::string& input : Inputs()) {
    for (const std::size_t size : kPieceSizes) {
      if (size < 3 && input.size() > 10000) continue;
      for (const bool end : {false, true}) {
        RunConnection(subject, config.get(), Cut(input, size), end, 0, verdict);
      }
    }
  }
}

void NetworkFailures(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = NetworkConfig(subject, verdict);
  if (!config.ok()) return;
  for (const std::int32_t failure : {WEIR_ERROR, WEIR_REFUSED, WEIR_NO_ROOM}) {
    for (const bool full : {false, true}) {
      World().full = full;
      for (const std::string& input : Inputs()) {
        RunConnection(subject, config.get(), Cut(input, 1000), true, failure, verdict);
      }
      World().full = false;
    }
  }
}

void NetworkLeaks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = NetworkConfig(subject, verdict);
  if (!config.ok()) return;
  CheckGrowth(
      "connection", 1000,
      [&] {
        RunConnection(subject, config.get(), {"GET / ", "HTTP/1.1"}, true, 0, verdict);
      },
      verdict);
}

void NetworkSlow(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = NetworkConfig(subject, verdict);
  if (!config.ok()) return;
  std::uint64_t best = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    std::vector<std::uint64_t> times;
    RunConnection(subject, config.get(), {"GET / ", "HTTP/1.1"}, true, 0, verdict, &times);
    if (!times.empty()) best = std::min(best, *std::max_element(times.begin(), times.end()));
  }
  if (best != UINT64_MAX && best > kSlowHookUs) {
    verdict->Fail("data takes " + std::to_string(best / 1000) + " ms, each time");
  }
}

void NetworkWorkers(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = NetworkConfig(subject, verdict);
  if (!config.ok()) return;
  RunWorkers(subject, verdict, [&](std::uint32_t) {
    Verdict own([](char, const std::string&) {});
    for (int i = 0; i < 300; ++i) {
      RunConnection(subject, config.get(), {"GET / ", "HTTP/1.1"}, i % 2 == 0, 0, &own);
    }
  });
}

// ---- Listener filters

const weir_listener_filter_api& ListenerApi(const Subject& subject) {
  return subject.As<weir_listener_filter_api>();
}

FakeConfig ListenerConfig(const Subject& subject, Verdict* verdict) {
  FakeConfig config = FakeConfig::Listener(ListenerApi(subject), subject.config);
  if (!config.ok()) verdict->Fail("refuses the configuration that was given:\n" + config.errors());
  return config;
}

struct Decision {
  std::int32_t status = WEIR_CONTINUE;
  std::size_t taken = 0;
  bool operator==(const Decision&) const = default;
};

// Shows the first bytes, each time `step` more of them.
Decision RunListener(const Subject& subject, void* config, const std::string& input,
                     std::size_t step, Verdict* verdict) {
  const weir_listener_filter_api& api = ListenerApi(subject);
  FakeConnection connection;
  Address(&connection);
  State state(api.state_size);
  void* const self = state.self(config);
  Decision decision;
  if (api.create != nullptr) {
    decision.status = api.create(self, config, connection.handle());
    state.Check("create", verdict);
    if (decision.status != WEIR_OK && decision.status != WEIR_CLOSE) {
      verdict->Fail("create answers " + std::to_string(decision.status) +
                    " to an ordinary connection");
    }
    if (decision.status != WEIR_OK) return decision;
  }
  const std::size_t most = std::min<std::size_t>(input.size(), api.max_read_bytes);
  for (std::size_t shown = 0; api.data != nullptr;) {
    shown = std::min(most, shown + step);
    const bool end = shown == input.size();
    std::size_t taken = 0;
    const std::string copy = input.substr(0, shown);  // at another address each time
    decision.status = api.data(self, connection.handle(), sdk::View(copy), end ? 1 : 0, &taken);
    state.Check("data", verdict);
    if (decision.status == WEIR_CONTINUE) decision.taken = taken;
    if (taken > shown) verdict->Fail("data takes more bytes than it was shown");
    const std::int32_t status = decision.status;
    if (status < 0 || (status != WEIR_CONTINUE && status != WEIR_STOP && status != WEIR_CLOSE)) {
      verdict->Fail("data answers " + std::to_string(status) +
                    "; it is to close with WEIR_CLOSE what it does not like");
    }
    if (status != WEIR_STOP) break;
    if (shown == most) {  // the host closes
      decision.status = WEIR_CLOSE;
      break;
    }
  }
  if (api.destroy != nullptr) api.destroy(self);
  state.Check("destroy", verdict);
  ForgetNotes();
  return decision;
}

void ListenerConfigs(const Subject& subject, Verdict* verdict) {
  ListenerConfig(subject, verdict);
  std::vector<std::string> all = BrokenConfigs(subject.config);
  all.emplace_back();
  for (const std::string& yaml : all) {
    const FakeConfig config = FakeConfig::Listener(ListenerApi(subject), yaml);
    if (config.ok()) RunListener(subject, config.get(), "GET / HTTP/1.1\r\n", 1, verdict);
  }
}

void ListenerSplits(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = ListenerConfig(subject, verdict);
  if (!config.ok()) return;
  for (const std::string& input : Inputs()) {
    const Decision whole = RunListener(subject, config.get(), input, input.size() + 1, verdict);
    for (const std::size_t size : kPieceSizes) {
      if (size < 3 && input.size() > 10000) continue;
      if (RunListener(subject, config.get(), input, size, verdict) == whole) continue;
      verdict->Fail("decides otherwise when the same first bytes come in pieces of " +
                    std::to_string(size));
    }
  }
}

void ListenerLeaks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = ListenerConfig(subject, verdict);
  if (!config.ok()) return;
  CheckGrowth(
      "connection", 1000,
      [&] { RunListener(subject, config.get(), "GET / HTTP/1.1\r\n\r\n", 5, verdict); }, verdict);
}

void ListenerWorkers(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = ListenerConfig(subject, verdict);
  if (!config.ok()) return;
  const std::vector<std::string> inputs = Inputs();
  RunWorkers(subject, verdict, [&](std::uint32_t) {
    Verdict own([](char, const std::string&) {});
    for (std::size_t i = 0; i < 300; ++i) {
      RunListener(subject, config.get(), inputs[i % inputs.size()], 1000, &own);
    }
  });
}

}  // namespace

std::vector<Case> NetworkCases() {
  return {{"takes the configuration that was given, and lives with wrong ones", NetworkConfigs},
          {"any bytes, in any pieces", NetworkInputs},
          {"a host whose functions fail", NetworkFailures},
          {"memory is given back", NetworkLeaks},
          {"no slow hook", NetworkSlow},
          {"several workers at a time", NetworkWorkers}};
}

std::vector<Case> ListenerCases() {
  return {{"takes the configuration that was given, and lives with wrong ones", ListenerConfigs},
          {"any first bytes, in any pieces, are judged the same", ListenerSplits},
          {"memory is given back", ListenerLeaks},
          {"several workers at a time", ListenerWorkers}};
}

}  // namespace weir::kit
