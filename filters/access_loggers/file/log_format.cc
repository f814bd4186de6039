#include "filters/access_loggers/file/log_format.h"

#include <algorithm>
#include <utility>

namespace weir::access_log {
namespace {

// The room that every operator has, whatever came before it: a number, or a cut value.
constexpr std::size_t kShortest = 32;
// The most that the text of a format, and kShortest for each operator, may be: so that values have
// room.
constexpr std::size_t kMaxFixed = 32'768;
constexpr int kMaxDepth = 16;
// Marks around one value: a comma, quotes, brackets.
constexpr std::size_t kMarks = 4;

std::string JsonText(std::string_view text) {
  // A byte is at most six in JSON, and the writer wants room for an ellipsis.
  std::string room(text.size() * 6 + 16, '\0');
  LineWriter writer(room.data(), room.size());
  writer.Value(text, Escaping::kJson, room.size());
  return std::string(writer.text());
}

std::size_t FixedSize(const std::vector<Piece>& pieces) {
  std::size_t size = 0;
  for (const Piece& piece : pieces) size += piece.is_text() ? piece.text.size() : kShortest;
  return size;
}

}  // namespace

bool LogFormat::CompileText(std::string_view format, std::string* error) {
  if (!CompileFormat(format, &text_, error)) return false;
  fixed_ = FixedSize(text_) + 1;
  return CheckSize(error);
}

bool LogFormat::CheckSize(std::string* error) {
  if (fixed_ <= kMaxFixed) return true;
  *error = "the format is too long: " + std::to_string(kMaxFixed) +
           " bytes of text may be in it, an operator counting " + std::to_string(kShortest);
  return false;
}

bool LogFormat::CompileJson(const sdk::ConfigNode& map) {
  json_ = true;
  if (!map.ExpectMap("json_format")) return false;
  if (!CompileNode(map, 0, &root_)) return false;
  std::string error;
  ++fixed_;
  return CheckSize(&error) || map.Fail(error);
}

bool LogFormat::CompileNode(const sdk::ConfigNode& node, int depth, Node* out) {
  fixed_ += kMarks;
  if (depth > kMaxDepth) return node.Fail("a format is at most 16 levels deep");
  if (node.IsMap() || node.IsList()) {
    out->kind = node.IsMap() ? Node::Kind::kMap : Node::Kind::kList;
    bool ok = true;
    for (std::size_t i = 0; i < node.size(); ++i) {
      Node child;
      if (node.IsMap()) {
        child.key = "\"" + JsonText(node.KeyAt(i)) + "\":";
        fixed_ += child.key.size();
      }
      ok = CompileNode(node.At(i), depth + 1, &child) && ok;
      out->children.push_back(std::move(child));
    }
    return ok;
  }
  std::string text;
  if (!node.Read(&text)) return false;
  std::string error;
  if (!CompileFormat(text, &out->pieces, &error)) return node.Fail(error);
  for (Piece& piece : out->pieces) {
    if (piece.is_text()) piece.text = JsonText(piece.text);
  }
  fixed_ += FixedSize(out->pieces);
  return true;
}

void LogFormat::Raw(std::string_view text, Line* line) {
  line->reserved -= text.size();
  line->out->Raw(text);
}

void LogFormat::WriteValue(const Value& value, Escaping escaping, const Operator& op,
                           Line* line) const {
  line->reserved -= kShortest;
  if (value.kind == Value::Kind::kNumber) {
    line->out->Number(value.number);
  } else if (value.kind == Value::Kind::kText) {
    line->out->Value(value.text, escaping, std::min(op.limit, line->out->room() - line->reserved));
  }
}

void LogFormat::WritePieces(const std::vector<Piece>& pieces, Escaping escaping, Line* line) const {
  Scratch scratch;
  for (const Piece& piece : pieces) {
    if (piece.is_text()) {
      Raw(piece.text, line);
      continue;
    }
    const Value value = piece.op.Get(line->stream, scratch);
    WriteValue(value, escaping, piece.op, line);
    if (value.kind == Value::Kind::kNone && !omit_empty_) line->out->Raw("-");
  }
}

void LogFormat::Begin(const Node& node, bool first, Line* line) {
  if (!first) line->out->Raw(",");
  Raw(node.key, line);
}

// The type of a value that stands alone is kept; others are texts.
bool LogFormat::WriteLeaf(const Node& node, bool first, Line* line) const {
  if (node.pieces.size() != 1 || node.pieces[0].is_text()) {
    Begin(node, first, line);
    line->out->Raw("\"");
    WritePieces(node.pieces, Escaping::kJson, line);
    line->out->Raw("\"");
    return true;
  }
  Scratch scratch;
  const Operator& op = node.pieces[0].op;
  const Value value = op.Get(line->stream, scratch);
  if (value.kind == Value::Kind::kNone && omit_empty_) {
    line->reserved -= node.key.size() + kShortest;
    return false;
  }
  Begin(node, first, line);
  if (value.kind == Value::Kind::kNone) line->out->Raw("null");
  if (value.kind == Value::Kind::kText) line->out->Raw("\"");
  WriteValue(value, Escaping::kJson, op, line);
  if (value.kind == Value::Kind::kText) line->out->Raw("\"");
  return true;
}

void LogFormat::WriteChildren(const Node& node, Line* line) const {
  bool first = true;
  for (const Node& child : node.children) first = !WriteNode(child, first, line) && first;
}

bool LogFormat::WriteNode(const Node& node, bool first, Line* line) const {
  line->reserved -= kMarks;
  if (node.kind == Node::Kind::kValue) return WriteLeaf(node, first, line);
  Begin(node, first, line);
  const bool map = node.kind == Node::Kind::kMap;
  line->out->Raw(map ? "{" : "[");
  WriteChildren(node, line);
  line->out->Raw(map ? "}" : "]");
  return true;
}

bool LogFormat::Write(const sdk::HttpStream& stream, LineWriter* out) const {
  Line line{stream, out, fixed_};
  if (json_) {
    WriteNode(root_, true, &line);
  } else {
    WritePieces(text_, Escaping::kText, &line);
  }
  if (out->text().empty() || out->text().back() != '\n') out->Raw("\n");
  return !out->truncated();
}

}  // namespace weir::access_log
