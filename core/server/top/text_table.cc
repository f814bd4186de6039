#include "core/server/top/text_table.h"

#include <algorithm>

#include "core/server/top/top_view.h"

namespace weir::server {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kLeastFirst = 16;

}  // namespace

std::vector<std::string> TextTable::Lines(size_t width) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = TextWidth(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, TextWidth(row[i]));
    widths.push_back(widest);
  }
  std::vector<bool> shown(columns_.size(), true);
  const auto others = [&] {
    size_t sum = 0;
    for (size_t i = 1; i < columns_.size(); ++i) sum += shown[i] ? widths[i] + kGap : 0;
    return sum;
  };
  while (std::min(widths[0], kLeastFirst) + others() > width) {
    size_t goes = 0;
    for (size_t i = 1; i < columns_.size(); ++i) {
      if (shown[i] && columns_[i].rank > columns_[goes].rank) goes = i;
    }
    if (goes == 0) break;
    shown[goes] = false;
  }
  const size_t rest = others();
  widths[0] = std::min(widths[0], width > rest + kLeastFirst ? width - rest : kLeastFirst);
  const auto line = [&](const auto& cell) {
    const std::string first = CutText(cell(0), widths[0]);
    std::string text = first + std::string(widths[0] - TextWidth(first), ' ');
    for (size_t i = 1; i < columns_.size(); ++i) {
      if (!shown[i]) continue;
      const std::string one = cell(i);
      text += std::string(kGap + widths[i] - TextWidth(one), ' ') + one;
    }
    return text;
  };
  std::vector<std::string> lines = {line([&](size_t i) { return std::string(columns_[i].title); })};
  for (const auto& row : rows_) lines.push_back(line([&](size_t i) { return row[i]; }));
  return lines;
}

}  // namespace weir::server
