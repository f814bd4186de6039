#include "filters/http/header_mutation/mutation_list.h"

#include <string_view>
#include <utility>

#include "plugins/sdk/field_rules.h"
#include "plugins/sdk/view.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::View;

// More changes than this in one list are a mistake, not a configuration.
constexpr std::size_t kMaxMutations = 1000;
constexpr std::size_t kMaxValue = 16384;

struct Action {
  std::string_view name;
  Mutation::Kind kind;
};

constexpr Action kActions[] = {
    {"APPEND_IF_EXISTS_OR_ADD", Mutation::Kind::kAppend},
    {"ADD_IF_ABSENT", Mutation::Kind::kAddIfAbsent},
    {"OVERWRITE_IF_EXISTS_OR_ADD", Mutation::Kind::kOverwrite},
    {"OVERWRITE_IF_EXISTS", Mutation::Kind::kOverwritePresent},
};

bool ReadName(const ConfigNode& node, std::string* out) {
  if (!node.Read(out)) return false;
  sdk::LowerCase(out);
  const char* problem = sdk::FieldNameProblem(*out);
  return problem == nullptr || node.Fail("\"" + out->substr(0, 80) + "\" is " + problem);
}

// "%%" is a percent sign; any other operator would need a formatter.
bool Unescape(const ConfigNode& node, std::string* value) {
  std::string result;
  for (std::size_t i = 0; i < value->size(); ++i) {
    if ((*value)[i] != '%') {
      result += (*value)[i];
      continue;
    }
    if (i + 1 < value->size() && (*value)[i + 1] == '%') {
      result += '%';
      ++i;
      continue;
    }
    const std::size_t end = value->find('%', i + 1);
    if (end == std::string::npos) return node.Fail("a single % stands in a value; write %%");
    return node.Fail("the operator " + value->substr(i, std::min<std::size_t>(end - i + 1, 80)) +
                     " is not available: values are static; write %% for a percent sign");
  }
  *value = std::move(result);
  return true;
}

bool ReadValue(const ConfigNode& node, std::string* out) {
  if (!node.Read(out) || !Unescape(node, out)) return false;
  if (out->size() > kMaxValue) return node.Fail("a field value of more than 16384 bytes");
  return sdk::IsFieldValue(*out) ||
         node.Fail("the value has a byte that no field value may have, or a blank at an end");
}

bool ReadAction(const ConfigNode& append, Mutation::Kind* kind) {
  // `append` inside the option is Envoy's older word for the action; its two values are clear.
  if (const ConfigNode old = append.Get("append")) {
    bool more = true;
    if (!old.Read(&more)) return false;
    *kind = more ? Mutation::Kind::kAppend : Mutation::Kind::kOverwrite;
  }
  const ConfigNode node = append.Get("append_action");
  if (!node) return true;
  std::string text;
  if (!node.Read(&text)) return false;
  for (const Action& action : kActions) {
    if (action.name != text) continue;
    *kind = action.kind;
    return true;
  }
  return node.Fail("\"" + text.substr(0, 80) +
                   "\" is no append_action; known are APPEND_IF_EXISTS_OR_ADD, ADD_IF_ABSENT, "
                   "OVERWRITE_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS");
}

// {header: {key, value}, append_action, keep_empty_value}. *skip: an empty value that is not kept.
bool ReadAppend(const ConfigNode& append, Mutation* mutation, bool* skip) {
  if (!append.ExpectMap("append")) return false;
  const ConfigNode header = append.Get("header");
  if (!header) return append.Fail("append needs header: {key, value}");
  if (!header.ExpectMap("header")) return false;
  bool ok = header.Refuse("raw_value", "is not available: use value");
  const ConfigNode key = header.Get("key");
  ok = (key ? ReadName(key, &mutation->name) : header.Fail("header needs a key")) && ok;
  const ConfigNode value = header.Get("value");
  if (value && !value.IsNull()) ok = ReadValue(value, &mutation->value) && ok;
  ok = ReadAction(append, &mutation->kind) && ok;
  bool keep_empty = false;
  const ConfigNode keep = append.Get("keep_empty_value");
  if (keep) ok = keep.Read(&keep_empty) && ok;
  *skip = mutation->value.empty() && !keep_empty;
  return ok;
}

bool ReadMutation(const ConfigNode& entry, Mutation* mutation, bool* skip) {
  if (!entry.ExpectMap("a mutation")) return false;
  bool ok = entry.Refuse("remove_on_match", "is not available: name each field with remove");
  const ConfigNode remove = entry.Get("remove");
  const ConfigNode append = entry.Get("append");
  if (remove && append) return entry.Fail("a mutation has one of remove and append, not both");
  if (remove) {
    mutation->kind = Mutation::Kind::kRemove;
    return ReadName(remove, &mutation->name) && ok;
  }
  if (append) return ReadAppend(append, mutation, skip) && ok;
  return ok && entry.Fail("a mutation needs remove or append");
}

}  // namespace

bool MutationList::Load(const ConfigNode& node, const std::string& key) {
  if (!node) return true;
  if (!node.ExpectList(key)) return false;
  if (node.size() > kMaxMutations) return node.Fail(key + " has more than 1000 entries");
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    Mutation mutation;
    bool skip = false;
    const bool read = ReadMutation(node.At(i), &mutation, &skip);
    ok = ok && read;
    if (read && !skip) mutations_.push_back(std::move(mutation));
  }
  return ok;
}

std::int32_t MutationList::Apply(const weir_http_api& http, weir_stream* stream,
                                 std::uint32_t which) const {
  for (const Mutation& mutation : mutations_) {
    const weir_view name = View(mutation.name);
    const weir_view value = View(mutation.value);
    weir_view present{};
    std::int32_t status = WEIR_OK;
    switch (mutation.kind) {
      case Mutation::Kind::kAppend:
        status = http.add(stream, which, name, value);
        break;
      case Mutation::Kind::kAddIfAbsent:
        if (http.get(stream, which, name, 0, &present) == WEIR_OK) break;
        status = http.add(stream, which, name, value);
        break;
      case Mutation::Kind::kOverwrite:
        status = http.set(stream, which, name, value);
        break;
      case Mutation::Kind::kOverwritePresent:
        if (http.get(stream, which, name, 0, &present) != WEIR_OK) break;
        status = http.set(stream, which, name, value);
        break;
      case Mutation::Kind::kRemove:
        status = http.remove(stream, which, name);
        break;
    }
    if (status < 0) return status;
  }
  return WEIR_OK;
}

}  // namespace weir::filters
