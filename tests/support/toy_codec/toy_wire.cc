#include "tests/support/toy_codec/toy_wire.h"

#include "plugins/abi/tokens.h"

namespace weir::toy {
namespace {

constexpr std::size_t kFixedSize = 16;

template <typename Head, typename Visit>
void VisitStart(Head& head, Visit visit) {
  visit(head.method);
  visit(head.scheme);
  visit(head.authority);
  visit(head.path);
  visit(head.protocol);
}

bool Removed(const weir_field& field) {
  return (field.flags & WEIR_FIELD_REMOVED) != 0;
}

}  // namespace

std::size_t HeadSize(const weir_head& head) {
  std::size_t size = kFixedSize;
  VisitStart(head, [&](const weir_view& view) { size += 2 + view.size; });
  for (std::uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    if (!Removed(field)) size += 4 + std::size_t{field.name_size} + field.value_size;
  }
  return size;
}

void WriteHead(const weir_head& head, Writer* writer) {
  writer->Number(head.kind, 1);
  writer->Number(head.http_version, 1);
  writer->Number(head.status, 2);
  // CLOSE is a word to the writing codec of a one-stream protocol: it stays on its side.
  writer->Number(head.flags & ~std::uint32_t{WEIR_HEAD_CLOSE}, 4);
  writer->Number(head.content_length, 8);
  VisitStart(head, [&](const weir_view& view) { writer->Text(view.data, view.size); });
  for (std::uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    if (Removed(field)) continue;
    writer->Text(field.name, field.name_size);
    writer->Text(field.value, field.value_size);
  }
}

HeadResult ReadHead(const std::uint8_t* payload, std::size_t size, std::uint32_t max_fields,
                    weir_head* head) {
  Reader reader(payload, size);
  weir_field* fields = head->fields;
  *head = weir_head{};
  head->struct_size = sizeof *head;
  head->fields = fields;
  head->kind = static_cast<std::uint8_t>(reader.Number(1));
  head->http_version = static_cast<std::uint8_t>(reader.Number(1));
  head->status = static_cast<std::uint16_t>(reader.Number(2));
  head->flags = static_cast<std::uint32_t>(reader.Number(4));
  head->content_length = reader.Number(8);
  VisitStart(*head, [&](weir_view& view) { view = reader.Text(); });
  while (reader.ok() && !reader.empty()) {
    if (head->field_count == max_fields) return HeadResult::kTooManyFields;
    weir_field& field = fields[head->field_count++];
    field = weir_field{};
    const weir_view name = reader.Text();
    const weir_view value = reader.Text();
    field.name = name.data;
    field.name_size = static_cast<std::uint16_t>(name.size);
    field.value = value.data;
    field.value_size = static_cast<std::uint32_t>(value.size);
    field.token = WEIR_TOKEN_UNSET;
  }
  head->block = {reinterpret_cast<const char*>(payload), size};
  return reader.ok() ? HeadResult::kOk : HeadResult::kMalformed;
}

}  // namespace weir::toy
