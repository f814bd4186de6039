#include "filters/http/header_mutation/mutation_list.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "plugins/sdk/field_rules.h"
#include "plugins/util/token.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

// More changes than this in one list are a mistake, not a configuration.
constexpr std::size_t kMaxMutations = 1000;
constexpr std::size_t kMaxValue = 16384;

bool ReadName(const ConfigNode& node, std::string* out) {
  if (!node.Read(out)) return false;
  sdk::LowerCase(out);
  const char* problem = sdk::FieldNameProblem(*out);
  return problem == nullptr || node.Fail("\"" + out->substr(0, 80) + "\" is " + problem);
}

bool ReadValue(const ConfigNode& node, std::string* out) {
  if (!node.Read(out) || !Unescape(node, out)) return false;
  if (out->size() > kMaxValue) return node.Fail("a field value of more than 16384 bytes");
  return sdk::IsFieldValue(*out) ||
         node.Fail("the value has a byte that no field value may have, or a blank at an end");
}

// `append` inside the option is Envoy's older word for the action; its two values are clear.
bool ReadOldAction(const ConfigNode& append, Mutation::Kind* kind) {
  const ConfigNode old = append.Get("append");
  if (!old) return true;
  bool more = true;
  if (!old.Read(&more)) return false;
  *kind = more ? Mutation::Kind::kAppend : Mutation::Kind::kOverwrite;
  return true;
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
  ok = ReadOldAction(append, &mutation->kind) && ok;
  ok = ReadAction(append, "append_action", &mutation->kind) && ok;
  bool keep_empty = false;
  const ConfigNode keep = append.Get("keep_empty_value");
  if (keep) ok = keep.Read(&keep_empty) && ok;
  *skip = mutation->value.empty() && !keep_empty;
  return ok;
}

bool ReadMutation(const ConfigNode& entry, Mutation* mutation, bool* skip) {
  if (!entry.ExpectMap("a mutation")) return false;
  const ConfigNode remove = entry.Get("remove");
  const ConfigNode append = entry.Get("append");
  const ConfigNode matching = entry.Get("remove_on_match");
  const int given = (remove ? 1 : 0) + (append ? 1 : 0) + (matching ? 1 : 0);
  if (given > 1) {
    return entry.Fail("a mutation has one of remove, remove_on_match and append, not both");
  }
  if (remove) {
    mutation->kind = Mutation::Kind::kRemove;
    return ReadName(remove, &mutation->name);
  }
  if (matching) {
    mutation->kind = Mutation::Kind::kRemoveMatching;
    if (!matching.ExpectMap("remove_on_match")) return false;
    const ConfigNode names = matching.Get("key_matcher");
    if (!names) return matching.Fail("remove_on_match needs key_matcher");
    return mutation->names.Load(names, StringMatcher::Letters::kNoCase);
  }
  if (append) return ReadAppend(append, mutation, skip);
  return entry.Fail("a mutation needs remove or append");
}

// Framing fields are the codecs' and no field of a message: a pattern does not mean them.
bool RemoveMatching(const StringMatcher& names, const sdk::Fields& fields) {
  std::vector<std::string> found;
  fields.ForEach([&](std::string_view name, std::string_view) {
    if (!util::IsFramingToken(util::FindToken(name)) && names.Matches(name)) {
      found.emplace_back(name);
    }
  });
  bool ok = true;
  for (const std::string& name : found) ok = fields.Remove(name) && ok;
  return ok;
}

bool ApplyOne(const Mutation& mutation, const sdk::Fields& fields) {
  switch (mutation.kind) {
    case Mutation::Kind::kAppend:
      return fields.Add(mutation.name, mutation.value);
    case Mutation::Kind::kAddIfAbsent:
      return fields.Has(mutation.name) || fields.Add(mutation.name, mutation.value);
    case Mutation::Kind::kOverwrite:
      return fields.Set(mutation.name, mutation.value);
    case Mutation::Kind::kOverwritePresent:
      return !fields.Has(mutation.name) || fields.Set(mutation.name, mutation.value);
    case Mutation::Kind::kRemove:
      return fields.Remove(mutation.name);
    case Mutation::Kind::kRemoveMatching:
      return RemoveMatching(mutation.names, fields);
  }
  return false;
}

}  // namespace

bool ReadAction(const ConfigNode& parent, const char* key, Mutation::Kind* kind) {
  static constexpr std::pair<std::string_view, Mutation::Kind> kActions[] = {
      {"APPEND_IF_EXISTS_OR_ADD", Mutation::Kind::kAppend},
      {"ADD_IF_ABSENT", Mutation::Kind::kAddIfAbsent},
      {"OVERWRITE_IF_EXISTS_OR_ADD", Mutation::Kind::kOverwrite},
      {"OVERWRITE_IF_EXISTS", Mutation::Kind::kOverwritePresent},
  };
  const ConfigNode node = parent.Get(key);
  return !node || node.ReadOneOf(kActions, kind);
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

template <typename Read>
bool MutationList::LoadList(const ConfigNode& node, const std::string& key, Read read_one) {
  if (!node) return true;
  if (!node.ExpectList(key)) return false;
  if (node.size() > kMaxMutations) return node.Fail(key + " has more than 1000 entries");
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    Mutation mutation;
    bool skip = false;
    const bool read = read_one(node.At(i), &mutation, &skip);
    ok = ok && read;
    if (read && !skip) mutations_.push_back(std::move(mutation));
  }
  return ok;
}

bool MutationList::Load(const ConfigNode& node, const std::string& key) {
  return LoadList(node, key, ReadMutation);
}

bool MutationList::LoadOptions(const ConfigNode& node, const std::string& key) {
  return LoadList(node, key, ReadAppend);
}

bool MutationList::Apply(const sdk::Fields& fields) const {
  return std::all_of(mutations_.begin(), mutations_.end(),
                     [&](const Mutation& mutation) { return ApplyOne(mutation, fields); });
}

}  // namespace weir::filters
