#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/abi/weir.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// One change of a message's fields. Immutable after loading.
struct Mutation {
  enum class Kind : std::uint8_t {
    kAppend,            // APPEND_IF_EXISTS_OR_ADD: one more field
    kAddIfAbsent,       // ADD_IF_ABSENT
    kOverwrite,         // OVERWRITE_IF_EXISTS_OR_ADD: the one field with this name
    kOverwritePresent,  // OVERWRITE_IF_EXISTS
    kRemove,            // every field with this name
  };
  Kind kind = Kind::kAppend;
  std::string name;  // lower case
  std::string value;
};

// The changes to one kind of message, in file order.
class MutationList {
 public:
  // Reads `request_mutations` or one of its siblings. An absent node is an empty list. Every
  // mistake is reported at its place; false when there was one.
  bool Load(const sdk::ConfigNode& node, const std::string& key);

  // Makes the changes. WEIR_OK, or the host's refusal: the message may then be changed in part, so
  // the caller must fail.
  std::int32_t Apply(const weir_http_api& http, weir_stream* stream, std::uint32_t which) const;

  const std::vector<Mutation>& mutations() const { return mutations_; }

 private:
  std::vector<Mutation> mutations_;
};

}  // namespace weir::filters
