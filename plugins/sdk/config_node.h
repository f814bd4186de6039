#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/weir.h"
#include "plugins/sdk/view.h"

namespace weir::sdk {

// A node of a plugin's configuration, during config_new. Cheap to copy. A node may be absent: it
// then has no entries, and reading it fails with a report at the place of the plugin's owner.
//
// Every reader answers whether it succeeded; when not, the mistake has been reported with its line
// and column, and the plugin goes on to find further mistakes or returns null.
class ConfigNode {
 public:
  ConfigNode(const weir_host* host, const weir_node* node) : api_(host->config), node_(node) {}

  explicit operator bool() const { return node_ != nullptr; }
  bool IsScalar() const { return api_->kind(node_) == WEIR_NODE_SCALAR; }
  bool IsList() const { return api_->kind(node_) == WEIR_NODE_LIST; }
  bool IsMap() const { return api_->kind(node_) == WEIR_NODE_MAP; }
  bool IsNull() const { return api_->kind(node_) == WEIR_NODE_NULL; }

  // The value of a map's key; absent when it is not there. Asking is what makes a key known.
  ConfigNode Get(std::string_view key) const { return {api_, api_->get(node_, View(key))}; }
  std::size_t size() const { return api_->count(node_); }
  ConfigNode At(std::size_t index) const { return {api_, api_->at(node_, index)}; }
  std::string_view KeyAt(std::size_t index) const { return Text(api_->key_at(node_, index)); }

  bool Read(std::string* out) const {
    weir_view view{};
    if (api_->string(node_, &view) != WEIR_OK) return false;
    out->assign(Text(view));
    return true;
  }
  bool Read(bool* out) const {
    std::uint32_t value = 0;
    if (api_->boolean(node_, &value) != WEIR_OK) return false;
    *out = value != 0;
    return true;
  }
  bool Read(std::int64_t min, std::int64_t max, std::int64_t* out) const {
    return api_->integer(node_, min, max, out) == WEIR_OK;
  }
  bool Read(double* out) const { return api_->number(node_, out) == WEIR_OK; }
  // "1.5s", "250ms", "1h"; milliseconds.
  bool ReadDuration(std::int64_t* ms) const { return api_->duration_ms(node_, ms) == WEIR_OK; }
  // A list of strings, or one string that stands for a list of one.
  bool Read(std::vector<std::string>* out) const {
    if (IsScalar()) return Read(&out->emplace_back());
    if (!ExpectList("this")) return false;
    bool ok = true;
    for (std::size_t i = 0; i < size(); ++i) ok = At(i).Read(&out->emplace_back()) && ok;
    return ok;
  }
  // One of some names.
  template <typename Enum, std::size_t n>
  bool ReadOneOf(const std::pair<std::string_view, Enum> (&names)[n], Enum* out) const {
    std::string text;
    if (!Read(&text)) return false;
    std::string expected;
    for (const auto& [name, value] : names) {
      if (text == name) {
        *out = value;
        return true;
      }
      if (!expected.empty()) expected += ", ";
      expected += name;
    }
    return Fail("\"" + text.substr(0, 80) + "\" is none of " + expected);
  }
  const weir_node* handle() const { return node_; }

  // Reports at this node; always false, for `return node.Fail(...)`.
  bool Fail(std::string_view message) const {
    api_->error(node_, View(message));
    return false;
  }
  bool ExpectMap(std::string_view what) const {
    return IsMap() || Fail(std::string(what) + " must be a mapping");
  }
  bool ExpectList(std::string_view what) const {
    return IsList() || Fail(std::string(what) + " must be a list");
  }
  // Reports a key that is known elsewhere but that this version does not have; true when absent.
  bool Refuse(std::string_view key, std::string_view why) const {
    const ConfigNode value = Get(key);
    return !value || value.Fail(std::string(key) + " " + std::string(why));
  }

 private:
  ConfigNode(const weir_config_api* api, const weir_node* node) : api_(api), node_(node) {}

  const weir_config_api* api_;
  const weir_node* node_;
};

}  // namespace weir::sdk
