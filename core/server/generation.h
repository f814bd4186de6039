#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config/loader.h"
#include "core/server/listener_set.h"
#include "core/server/wiring.h"

namespace weir::server {

// One configuration, whole, checked and made: what the workers are to run on. Belongs to the main
// thread; immutable once they see it, apart from the sockets that they take.
struct Generation {
  ServerContext context;
  ListenerSet listeners;
  // What the configuration uses; workers tell each that they start, once.
  std::vector<const weir_plugin_descriptor*> plugins;
};

// Makes generations, one after the other. Main thread.
class GenerationMaker {
 public:
  // What `common` says of the process holds for all of them. Both must outlive the maker.
  GenerationMaker(const ServerContext& common, const Wiring& wiring)
      : common_(common), wiring_(wiring) {}

  // Makes what `loaded` says; what is as it was in `previous` (null: nothing was) is taken over.
  // Nothing that runs is touched. Null with the mistakes in loaded->diagnostics.
  std::unique_ptr<Generation> Make(config::LoadResult* loaded, const Generation* previous);

 private:
  std::shared_ptr<const ClusterIds> IdsOf(const config::Bootstrap& bootstrap);

  ServerContext common_;
  const Wiring& wiring_;
  std::map<std::string, uint32_t> slots_;
};

// In words what differs: "listener web: changed", "cluster app: added", "limits: changed".
std::vector<std::string> ChangesOf(const Generation& before, const Generation& after);

}  // namespace weir::server
