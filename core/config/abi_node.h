#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/config/diagnostics.h"
#include "core/config/node.h"
#include "plugins/abi/weir.h"

namespace weir::config {

// The functions with which a plugin reads its configuration: weir_host.config. They work inside an
// AbiConfigScope only; outside, and for nodes that are null, every reader fails and every question
// is answered with "nothing there".
const weir_config_api* AbiConfigApi();

// One call of a plugin's config_new. While it lives, on this thread, what the plugin reads is
// tracked and what it finds wrong goes to the diagnostics. At most one at a time per thread.
//
//   AbiConfigScope scope(&diagnostics, filter.typed_config.get(), filter.mark, "http filter foo");
//   void* config = api->config_new(host, http, scope.node(), 0);
//   if (!scope.Finish(config != nullptr)) { if (config) api->config_free(config); ... }
//
// Views that the plugin was given point into the Node tree and live as long as that.
class AbiConfigScope {
 public:
  // `root` may be null: no configuration was given. `mark` is where the owner stands in the file:
  // mistakes that have no place of their own are reported there. `where` names the owner.
  AbiConfigScope(Diagnostics* diagnostics, const Node* root, Mark mark, std::string where);
  ~AbiConfigScope();
  AbiConfigScope(const AbiConfigScope&) = delete;
  AbiConfigScope& operator=(const AbiConfigScope&) = delete;

  const weir_node* node() const;

  // To be called when config_new has returned; `accepted` is whether it made an object. Keys that
  // nobody read are reported now, unless it was refused: a plugin that gave up early has read
  // little. A refusal without a report becomes a report. True when there is an object and nothing
  // was reported.
  bool Finish(bool accepted);

  // For the functions of the table.
  static AbiConfigScope* current();
  void Name(const Node* node, std::string name);
  void Expected(const Node* node, std::string_view expected);
  void Error(const Node* node, std::string_view message);

 private:
  Diagnostics* diagnostics_;
  const Node* root_;
  Mark mark_;
  std::string where_;
  std::size_t before_;  // diagnostics that were there already
  std::unordered_map<const Node*, std::string> names_;
};

}  // namespace weir::config
