#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "filters/access_loggers/file/line_writer.h"
#include "filters/access_loggers/file/operators.h"
#include "plugins/sdk/config_node.h"

namespace weir::access_log {

// The longest line: what the host takes in one piece, its end included.
inline constexpr std::size_t kMaxLine = 65'000;

// A format for lines, compiled: text with operators, or JSON whose values are such texts.
// Immutable. Writing a line allocates nothing and always ends within kMaxLine: where the values are
// too long together, the later ones are cut.
class LogFormat {
 public:
  // False with the reason.
  bool CompileText(std::string_view format, std::string* error);
  // False after reports at the nodes. A value that is one operator alone keeps its type.
  bool CompileJson(const sdk::ConfigNode& map);
  void set_omit_empty(bool omit) { omit_empty_ = omit; }

  // One line, '\n' at its end. False where a value was cut.
  bool Write(const sdk::HttpStream& stream, LineWriter* line) const;

 private:
  struct Node {
    std::string key;  // `"name":` in a map
    enum class Kind : std::uint8_t { kValue, kMap, kList } kind = Kind::kValue;
    std::vector<Piece> pieces;
    std::vector<Node> children;
  };
  struct Line {
    const sdk::HttpStream& stream;
    LineWriter* out;
    std::size_t reserved;  // for the text and the shortest values that still come
  };

  bool CompileNode(const sdk::ConfigNode& node, int depth, Node* out);
  bool CheckSize(std::string* error);
  void WritePieces(const std::vector<Piece>& pieces, Escaping escaping, Line* line) const;
  void WriteValue(const Value& value, Escaping escaping, const Operator& op, Line* line) const;
  // False: it was left out.
  bool WriteNode(const Node& node, bool first, Line* line) const;
  bool WriteLeaf(const Node& node, bool first, Line* line) const;
  void WriteChildren(const Node& node, Line* line) const;
  static void Raw(std::string_view text, Line* line);
  static void Begin(const Node& node, bool first, Line* line);

  bool json_ = false;
  bool omit_empty_ = false;
  std::vector<Piece> text_;
  Node root_;
  std::size_t fixed_ = 0;  // what Line::reserved begins with
};

}  // namespace weir::access_log
