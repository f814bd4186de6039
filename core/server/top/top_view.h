#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::server {

// How a line of `weir top` is set off, where the terminal can.
enum class TopStyle : uint8_t { kPlain, kTitle, kHead, kAlarm };

struct TopLine {
  std::string text;  // UTF-8; no control character, whatever the names hold
  TopStyle style = TopStyle::kPlain;
};

// The lines for one answer of /dashboard.json; width: columns, at least 40. None, with the reason
// in *error, when it is no such answer.
std::vector<TopLine> MakeTopLines(std::string_view json, size_t width, std::string* error);

// As text that a program may read too: no escape sequence, no blank at the end of a line.
std::string PlainText(const std::vector<TopLine>& lines);
// `rows` lines from the one numbered `first`, each cut to `width`, over what the terminal showed
// before. The last row is `status`.
std::string ScreenText(const std::vector<TopLine>& lines, size_t first, size_t rows, size_t width,
                       std::string_view status, bool colour);

// Columns that a text takes, by its code points; and the text cut to so many.
size_t TextWidth(std::string_view text);
std::string CutText(std::string_view text, size_t width);

}  // namespace weir::server
