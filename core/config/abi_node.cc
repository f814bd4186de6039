#include "core/config/abi_node.h"

#include <chrono>
#include <optional>
#include <utility>

namespace weir::config {
namespace {

thread_local AbiConfigScope* g_current = nullptr;

// The nodes that cross the door are the tree's own, under an opaque name.
const Node* FromAbi(const weir_node* node) {
  return reinterpret_cast<const Node*>(node);
}
const weir_node* ToAbi(const Node* node) {
  return reinterpret_cast<const weir_node*>(node);
}
std::string_view Text(weir_view view) {
  return view.data == nullptr ? std::string_view() : std::string_view(view.data, view.size);
}
weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::uint32_t AbiKind(const weir_node* abi) {
  const Node* node = FromAbi(abi);
  if (node == nullptr) return WEIR_NODE_NULL;
  switch (node->kind()) {
    case Node::Kind::kNull:
      return WEIR_NODE_NULL;
    case Node::Kind::kScalar:
      return WEIR_NODE_SCALAR;
    case Node::Kind::kSequence:
      return WEIR_NODE_LIST;
    case Node::Kind::kMap:
      return WEIR_NODE_MAP;
  }
  return WEIR_NODE_NULL;
}

const weir_node* AbiGet(const weir_node* abi, weir_view key) {
  const Node* node = FromAbi(abi);
  if (node == nullptr || !node->is_map()) return nullptr;
  const Node* value = node->Find(Text(key));
  if (value != nullptr && AbiConfigScope::current() != nullptr) {
    AbiConfigScope::current()->Name(value, std::string(Text(key)));
  }
  return ToAbi(value);
}

std::size_t AbiCount(const weir_node* abi) {
  const Node* node = FromAbi(abi);
  return node == nullptr ? 0 : node->size();
}

const weir_node* AbiAt(const weir_node* abi, std::size_t index) {
  const Node* node = FromAbi(abi);
  if (node == nullptr || index >= node->size()) return nullptr;
  const Node* value = node->At(index);
  if (value != nullptr && AbiConfigScope::current() != nullptr) {
    AbiConfigScope::current()->Name(
        value, node->is_map() ? std::string(node->KeyAt(index)) : "entry " + std::to_string(index));
  }
  return ToAbi(value);
}

weir_view AbiKeyAt(const weir_node* abi, std::size_t index) {
  const Node* node = FromAbi(abi);
  if (node == nullptr || !node->is_map() || index >= node->size()) return {nullptr, 0};
  node->At(index);  // marks the entry as read
  return View(node->KeyAt(index));
}

// What all readers share: null nodes, values of the wrong kind, and the report.
template <typename Value, typename Out>
std::int32_t Deliver(const weir_node* abi, const std::optional<Value>& value, Out* out,
                     std::string_view expected) {
  AbiConfigScope* scope = AbiConfigScope::current();
  if (scope == nullptr) return WEIR_ERROR;
  if (!value) {
    scope->Expected(FromAbi(abi), expected);
    return WEIR_ERROR;
  }
  *out = static_cast<Out>(*value);
  return WEIR_OK;
}

std::int32_t AbiString(const weir_node* abi, weir_view* out) {
  std::optional<weir_view> value;
  if (abi != nullptr) {
    if (const auto text = FromAbi(abi)->AsString()) value = View(*text);
  }
  return Deliver(abi, value, out, "text");
}

std::int32_t AbiInteger(const weir_node* abi, std::int64_t min, std::int64_t max,
                        std::int64_t* out) {
  std::optional<std::int64_t> value;
  if (abi != nullptr) value = FromAbi(abi)->AsInt();
  if (value && (*value < min || *value > max)) value.reset();
  return Deliver(abi, value, out,
                 "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

std::int32_t AbiNumber(const weir_node* abi, double* out) {
  std::optional<double> value;
  if (abi != nullptr) value = FromAbi(abi)->AsDouble();
  return Deliver(abi, value, out, "a number");
}

std::int32_t AbiBoolean(const weir_node* abi, std::uint32_t* out) {
  std::optional<bool> value;
  if (abi != nullptr) value = FromAbi(abi)->AsBool();
  return Deliver(abi, value, out, "true or false");
}

std::int32_t AbiDuration(const weir_node* abi, std::int64_t* out) {
  std::optional<std::int64_t> value;
  if (abi != nullptr) {
    const auto exact = FromAbi(abi)->AsDuration();
    const std::chrono::milliseconds whole =
        exact ? std::chrono::duration_cast<std::chrono::milliseconds>(*exact)
              : std::chrono::milliseconds(0);
    if (exact && whole == *exact) value = whole.count();
  }
  return Deliver(abi, value, out, "a duration in whole milliseconds, as 1.5s or 200ms");
}

void AbiError(const weir_node* abi, weir_view message) {
  if (AbiConfigScope* scope = AbiConfigScope::current()) {
    scope->Error(FromAbi(abi), Text(message));
  }
}

constexpr weir_config_api kApi = {
    .struct_size = sizeof(weir_config_api),
    .reserved = 0,
    .kind = AbiKind,
    .get = AbiGet,
    .count = AbiCount,
    .at = AbiAt,
    .key_at = AbiKeyAt,
    .string = AbiString,
    .integer = AbiInteger,
    .number = AbiNumber,
    .boolean = AbiBoolean,
    .duration_ms = AbiDuration,
    .error = AbiError,
};

}  // namespace

const weir_config_api* AbiConfigApi() {
  return &kApi;
}

AbiConfigScope::AbiConfigScope(Diagnostics* diagnostics, const Node* root, Mark mark,
                               std::string where)
    : diagnostics_(diagnostics),
      root_(root),
      mark_(mark),
      where_(std::move(where)),
      before_(diagnostics->count()) {
  g_current = this;
}

AbiConfigScope::~AbiConfigScope() {
  g_current = nullptr;
}

AbiConfigScope* AbiConfigScope::current() {
  return g_current;
}

const weir_node* AbiConfigScope::node() const {
  return ToAbi(root_);
}

void AbiConfigScope::Name(const Node* node, std::string name) {
  names_[node] = std::move(name);
}

void AbiConfigScope::Expected(const Node* node, std::string_view expected) {
  if (node == nullptr) {
    diagnostics_->Add(mark_, where_ + ": a value is missing", std::string(expected));
    return;
  }
  const auto name = names_.find(node);
  diagnostics_->AddExpected(*node, name == names_.end() ? where_ : name->second, expected);
}

void AbiConfigScope::Error(const Node* node, std::string_view message) {
  diagnostics_->Add(node == nullptr ? mark_ : node->mark(), where_ + ": " + std::string(message));
}

bool AbiConfigScope::Finish(bool accepted) {
  if (accepted) {
    if (root_ != nullptr) diagnostics_->AddUnread(*root_, where_);
  } else if (diagnostics_->count() == before_) {
    Error(root_, "the plugin refused this configuration and gave no reason");
  }
  return accepted && diagnostics_->count() == before_;
}

}  // namespace weir::config
