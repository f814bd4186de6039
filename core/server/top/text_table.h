#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace weir::server {

// A table of texts for a terminal. Where it is too wide its columns go, those of the greatest rank
// first, then the first column is cut.
class TextTable {
 public:
  struct Column {
    const char* title;
    int rank;  // 0: never goes
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // The titles first. The first column stands left, the others right.
  std::vector<std::string> Lines(size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace weir::server
