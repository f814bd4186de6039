#include <memory>
#include <string>
#include <utility>

#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"
#include "core/admin/redact.h"
#include "core/config/loader.h"
#include "core/config/yaml.h"

namespace weir::admin {
namespace {

using config::Node;

void WriteScalar(const Node& node, JsonWriter* out) {
  const auto number = node.AsInt();
  if (const auto flag = node.AsBool(); flag && !node.quoted()) {
    out->Bool(*flag);
  } else if (number && !node.quoted()) {
    out->Signed(*number);
  } else {
    out->String(node.text());
  }
}

void WriteNode(const Node& node, JsonWriter* out) {
  switch (node.kind()) {
    case Node::Kind::kNull:
      return out->Null();
    case Node::Kind::kScalar:
      return WriteScalar(node, out);
    case Node::Kind::kSequence:
      out->BeginArray();
      for (const Node::Entry& entry : node.entries()) WriteNode(*entry.value, out);
      return out->EndArray();
    case Node::Kind::kMap:
      out->BeginObject();
      for (const Node::Entry& entry : node.entries()) {
        out->Key(entry.key);
        WriteNode(*entry.value, out);
      }
      return out->EndObject();
  }
}

}  // namespace

Reply ConfigDumpPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const std::shared_ptr<const Node> tree = Redact(*config::ExpandTree(*host->Config()));
  if (!json) return Answer(200, config::PrintYaml(*tree));
  std::string text;
  JsonWriter out(&text);
  WriteNode(*tree, &out);
  return AnswerJson(text + "\n");
}

}  // namespace weir::admin
