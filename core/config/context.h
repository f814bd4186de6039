#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/config/diagnostics.h"
#include "core/config/loader.h"

namespace weir::config {

// One key and its value, or one element of a list, as a reader sees it.
struct Field {
  std::string_view key;  // for messages
  Mark key_mark;
  std::shared_ptr<const Node> value;

  const Node& node() const { return *value; }
};

// What one load carries from reader to reader. Lives for one call of LoadString.
class Context {
 public:
  Context(Diagnostics* diagnostics, const LoadOptions& options)
      : diagnostics_(diagnostics), options_(options) {}

  Diagnostics& diagnostics() { return *diagnostics_; }

  void Add(Mark mark, std::string message, std::string expected = "", std::string nearest = "") {
    diagnostics_->Add(mark, std::move(message), std::move(expected), std::move(nearest));
  }
  void AddExpected(const Field& field, std::string_view expected) {
    diagnostics_->AddExpected(field.node(), field.key, expected);
  }

  // The addresses of a host name, asked once for each name; empty, with *error set, when there are
  // none.
  std::vector<Address> Resolve(const std::string& host, std::uint16_t port, std::string* error);

  // What the checks of the whole file go over, in file order. Shared with the filters that own
  // them.
  std::vector<std::shared_ptr<RouteConfiguration>> route_configs;
  std::vector<std::shared_ptr<TcpProxy>> tcp_proxies;

  // Connection limits that were set by listener name, as Envoy's runtime keys do.
  struct ListenerLimit {
    std::string name;
    std::uint32_t connection_limit = 0;
    Mark mark;
  };
  std::vector<ListenerLimit> listener_limits;

 private:
  struct Answer {
    std::vector<Address> addresses;
    std::string error;
  };

  Diagnostics* diagnostics_;
  const LoadOptions& options_;
  std::map<std::string, Answer> resolved_;
};

}  // namespace weir::config
