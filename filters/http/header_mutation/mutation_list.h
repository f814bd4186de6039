#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "filters/http/common/string_matcher.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/http_stream.h"

namespace weir::filters {

// One change of a message's fields. Immutable after loading.
struct Mutation {
  enum class Kind : std::uint8_t {
    kAppend,            // APPEND_IF_EXISTS_OR_ADD: one more field
    kAddIfAbsent,       // ADD_IF_ABSENT
    kOverwrite,         // OVERWRITE_IF_EXISTS_OR_ADD: the one field with this name
    kOverwritePresent,  // OVERWRITE_IF_EXISTS
    kRemove,            // every field with this name
    kRemoveMatching,    // every field whose name matches
  };
  Kind kind = Kind::kAppend;
  std::string name;  // lower case
  std::string value;
  StringMatcher names;
};

// Reads `append_action` of fields, `action` of parameters; *kind stays as it is where there is
// none.
bool ReadAction(const sdk::ConfigNode& parent, const char* key, Mutation::Kind* kind);
// "%%" becomes a percent sign; any other operator is a mistake, reported at the node.
bool Unescape(const sdk::ConfigNode& node, std::string* value);

// The changes to one kind of message, in file order.
class MutationList {
 public:
  // Reads `request_mutations` or one of its siblings. An absent node is an empty list. Every
  // mistake is reported at its place; false when there was one.
  bool Load(const sdk::ConfigNode& node, const std::string& key);
  // The same of a list of Envoy's HeaderValueOption: {header: {key, value}, append_action}.
  bool LoadOptions(const sdk::ConfigNode& node, const std::string& key);

  // Makes the changes. False: the host refused one, the message may be changed in part, and so the
  // caller must fail.
  bool Apply(const sdk::Fields& fields) const;

  const std::vector<Mutation>& mutations() const { return mutations_; }

 private:
  template <typename Read>
  bool LoadList(const sdk::ConfigNode& node, const std::string& key, Read read);

  std::vector<Mutation> mutations_;
};

}  // namespace weir::filters
