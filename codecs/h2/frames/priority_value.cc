#include "codecs/h2/frames/priority_value.h"

#include "codecs/h2/frames/structured_field.h"

namespace weir::h2 {

namespace {

using Kind = StructuredFieldReader::Kind;
using Item = StructuredFieldReader::Item;

// The last member of a name is the one that counts, and an earlier one does not come back when the
// last is unusable.
void Apply(std::string_view key, const Item& item, PriorityValue* value) {
  if (key == "u") {
    value->has_urgency = item.kind == Kind::kInteger && item.integer >= 0 && item.integer <= 7;
    value->urgency = value->has_urgency ? static_cast<uint8_t>(item.integer) : uint8_t{3};
  } else if (key == "i") {
    value->has_incremental = item.kind == Kind::kBoolean;
    value->incremental = value->has_incremental && item.boolean;
  }
}

}  // namespace

PriorityValue ParsePriorityValue(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  StructuredFieldReader reader(text);
  reader.SkipSpaces();
  PriorityValue value;
  while (!reader.AtEnd()) {
    std::string_view key;
    Item item;
    if (!reader.ReadKey(&key) || !reader.ReadMemberValue(&item)) return {};
    Apply(key, item, &value);
    reader.SkipOws();
    if (reader.AtEnd()) break;
    if (!reader.TakeComma()) return {};
    reader.SkipOws();
    if (reader.AtEnd()) return {};  // a comma with nothing after it
  }
  return value;
}

}  // namespace weir::h2
