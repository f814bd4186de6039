#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/weir.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/field_rules.h"
#include "plugins/sdk/view.h"
#include "plugins/util/token.h"

namespace weir::sdk {

// Fields that a configuration gives, in the form in which they cross the door: made once, so that a
// reply with them allocates nothing.
class FieldList {
 public:
  static constexpr std::size_t kMaxFields = 100;
  static constexpr std::size_t kMaxValue = 16384;

  FieldList() = default;
  FieldList(const FieldList&) = delete;
  FieldList& operator=(const FieldList&) = delete;

  // The name is lower case, and both have been checked (field_rules.h).
  void Add(std::string name, std::string value) {
    const auto& [key, text] = texts_.emplace_back(std::move(name), std::move(value));
    weir_field& field = fields_.emplace_back();
    if (!MakeField(key, text, &field)) {
      fields_.pop_back();
      return;
    }
    field.token = util::FindToken(key);
  }

  // A list of {key, value}. Absent: empty. Every mistake is reported at its place; false when there
  // was one.
  bool Load(const ConfigNode& node, std::string_view what) {
    if (!node) return true;
    if (!node.ExpectList(what)) return false;
    if (node.size() > kMaxFields) {
      return node.Fail(std::string(what) + " has more than 100 entries");
    }
    bool ok = true;
    for (std::size_t i = 0; i < node.size(); ++i) ok = LoadOne(node.At(i)) && ok;
    return ok;
  }

  const weir_field* data() const { return fields_.data(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(fields_.size()); }

 private:
  bool LoadOne(const ConfigNode& entry) {
    if (!entry.ExpectMap("a header")) return false;
    const ConfigNode key = entry.Get("key");
    const ConfigNode value = entry.Get("value");
    if (!key || !value) return entry.Fail("a header needs key and value");
    std::string name;
    std::string text;
    if (!key.Read(&name) || !value.Read(&text)) return false;
    LowerCase(&name);
    if (const char* problem = FieldNameProblem(name)) {
      return key.Fail("\"" + name.substr(0, 80) + "\" is " + problem);
    }
    if (text.size() > kMaxValue || !IsFieldValue(text)) {
      return value.Fail("not a field value, or one of more than 16384 bytes");
    }
    Add(std::move(name), std::move(text));
    return true;
  }

  std::deque<std::pair<std::string, std::string>> texts_;  // stay where they are
  std::vector<weir_field> fields_;                         // views of texts_
};

}  // namespace weir::sdk
