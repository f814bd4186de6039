#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/config/diagnostics.h"

namespace weir::config {

struct LoadOptions {
  // Addresses of a host name, in order of preference; on failure empty, with *error set to the
  // reason. Default: the system's resolver (getaddrinfo), asked once per distinct name.
  std::function<std::vector<Address>(const std::string& host, std::uint16_t port,
                                     std::string* error)>
      resolve;
  // The value of an environment variable, or nothing. Default: the process's environment.
  std::function<std::optional<std::string>(const std::string& name)> environment;
};

// A loaded configuration, or every mistake that was found. The diagnostics live on so that whoever
// configures plugins can add to them, and print all mistakes at once.
struct LoadResult {
  // Null exactly when there was a mistake.
  std::shared_ptr<const Bootstrap> bootstrap;
  Diagnostics diagnostics;

  bool ok() const { return bootstrap != nullptr; }
};

// Reads, checks and completes a configuration. Nothing is started, nothing is bound. Host names of
// endpoints are resolved here, once. Never throws.
LoadResult LoadFile(const std::string& path, const LoadOptions& options = {});
// The same for a text; `name` stands for the file's name in messages.
LoadResult LoadString(std::string_view text, const std::string& name,
                      const LoadOptions& options = {});

// The configuration of `weir proxy --from :8080 --to host:port`: one listener whose every request
// goes to one cluster. Mistakes name the option ("--from").
LoadResult ProxyBootstrap(std::string_view from, std::string_view to,
                          const LoadOptions& options = {});

// The long form of a configuration, with every default written out: what `weir config --expand`
// prints. Loading it gives the same configuration.
std::string Expand(const Bootstrap& bootstrap);
// The same as a tree.
std::shared_ptr<const Node> ExpandTree(const Bootstrap& bootstrap);

}  // namespace weir::config
