// Reads over the items of a Structured Field (RFC 8941 section 4.2), keeping of each only what a
// small integer or a boolean is. Stack only; the text has to outlive it.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::h2 {

class StructuredFieldReader {
 public:
  enum class Kind : uint8_t { kInteger, kDecimal, kString, kToken, kBytes, kBoolean, kInnerList };
  struct Item {
    Kind kind = Kind::kBoolean;
    int64_t integer = 0;  // of kInteger
    bool boolean = true;  // of kBoolean
  };

  explicit StructuredFieldReader(std::string_view text) : rest_(text) {}

  // The text without the spaces at its ends.
  bool AtEnd() const { return rest_.empty(); }
  void SkipSpaces();  // SP alone
  void SkipOws();     // SP and HTAB
  bool TakeComma() { return Take(','); }

  // Each is false, in the middle of somewhere, when the text is not what was asked for.
  bool ReadKey(std::string_view* key);
  // What follows a dictionary's key: "= item", "= (inner list)" or nothing (true), and parameters.
  bool ReadMemberValue(Item* item);

 private:
  bool Take(char c);
  bool ReadBareItem(Item* item);
  bool ReadNumber(Item* item);
  bool ReadString();
  bool ReadBytes();
  bool ReadToken();
  bool ReadBoolean(Item* item);
  bool ReadInnerList();
  bool ReadParameters();

  std::string_view rest_;
};

}  // namespace weir::h2
