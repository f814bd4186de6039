#include "filters/http/header_mutation/query_mutations.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxMutations = 1000;
constexpr std::size_t kMaxText = 16384;

bool Unreserved(char c) {  // RFC 3986 section 2.3
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string Encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (Unreserved(c)) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return result;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = util::ToLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Whether an encoded name is this one.
bool IsName(std::string_view encoded, std::string_view name) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i, ++at) {
    char c = encoded[i];
    if (c == '%' && i + 2 < encoded.size() && HexDigit(encoded[i + 1]) >= 0 &&
        HexDigit(encoded[i + 2]) >= 0) {
      c = static_cast<char>(HexDigit(encoded[i + 1]) * 16 + HexDigit(encoded[i + 2]));
      i += 2;
    } else if (c == '+') {
      c = ' ';
    }
    if (at >= name.size() || name[at] != c) return false;
  }
  return at == name.size();
}

std::vector<std::string_view> Split(std::string_view query) {
  std::vector<std::string_view> parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (end > 0) parameters.push_back(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return parameters;
}

bool ReadKey(const ConfigNode& node, std::string* out) {
  if (!node.Read(out)) return false;
  if (out->empty()) return node.Fail("a parameter needs a name");
  return out->size() <= kMaxText || node.Fail("a parameter of more than 16384 bytes");
}

bool ReadAppend(const ConfigNode& append, Mutation* mutation) {
  if (!append.ExpectMap("append")) return false;
  const ConfigNode record = append.Get("record");
  if (!record) return append.Fail("append needs record: {key, value}");
  if (!record.ExpectMap("record")) return false;
  const ConfigNode key = record.Get("key");
  bool ok = key ? ReadKey(key, &mutation->name) : record.Fail("record needs a key");
  const ConfigNode value = record.Get("value");
  std::string text;
  if (value && !value.IsNull()) ok = value.Read(&text) && Unescape(value, &text) && ok;
  if (text.size() > kMaxText) return value.Fail("a parameter of more than 16384 bytes");
  mutation->value = Encoded(mutation->name) + "=" + Encoded(text);
  return ReadAction(append, "action", &mutation->kind) && ok;
}

bool ReadMutation(const ConfigNode& entry, Mutation* mutation) {
  if (!entry.ExpectMap("a mutation")) return false;
  const ConfigNode remove = entry.Get("remove");
  const ConfigNode append = entry.Get("append");
  if (remove && append) return entry.Fail("a mutation has one of remove and append, not both");
  if (append) return ReadAppend(append, mutation);
  if (!remove) return entry.Fail("a mutation needs remove or append");
  mutation->kind = Mutation::Kind::kRemove;
  return ReadKey(remove, &mutation->name);
}

void ApplyOne(const Mutation& mutation, std::vector<std::string_view>* parameters) {
  const auto same = [&](std::string_view parameter) {
    return IsName(parameter.substr(0, parameter.find('=')), mutation.name);
  };
  const auto first = std::find_if(parameters->begin(), parameters->end(), same);
  const bool present = first != parameters->end();
  switch (mutation.kind) {
    case Mutation::Kind::kAddIfAbsent:
      if (present) return;
      break;
    case Mutation::Kind::kOverwritePresent:
      if (!present) return;
      [[fallthrough]];
    case Mutation::Kind::kOverwrite:
      if (!present) break;
      *first = mutation.value;  // in the first one's place
      parameters->erase(std::remove_if(first + 1, parameters->end(), same), parameters->end());
      return;
    case Mutation::Kind::kRemove:
      std::erase_if(*parameters, same);
      return;
    default:
      break;
  }
  parameters->push_back(mutation.value);
}

}  // namespace

bool QueryMutations::Load(const ConfigNode& node) {
  if (!node) return true;
  if (!node.ExpectList("query_parameter_mutations")) return false;
  if (node.size() > kMaxMutations) {
    return node.Fail("query_parameter_mutations has more than 1000 entries");
  }
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    ok = ReadMutation(node.At(i), &mutations_.emplace_back()) && ok;
  }
  return ok;
}

std::string QueryMutations::Apply(std::string_view path) const {
  const std::size_t mark = path.find('?');
  std::vector<std::string_view> parameters;
  if (mark != std::string_view::npos) parameters = Split(path.substr(mark + 1));
  for (const Mutation& mutation : mutations_) ApplyOne(mutation, &parameters);
  std::string result(path.substr(0, mark));
  char before = '?';
  for (const std::string_view parameter : parameters) {
    result += before;
    result += parameter;
    before = '&';
  }
  return result;
}

}  // namespace weir::filters
