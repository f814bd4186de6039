#include "core/config/codec_keys.h"

#include <utility>

namespace weir::config {
namespace {

CodecOptions* OptionsOf(std::string_view codec, Mark mark, std::vector<CodecOptions>* all) {
  for (CodecOptions& options : *all) {
    if (options.codec == codec) return &options;
  }
  CodecOptions options;
  options.codec = codec;
  options.node = Node::Map(mark);
  options.mark = mark;
  all->push_back(std::move(options));
  return &all->back();
}

}  // namespace

void AddCodecOption(Context& c, const Field& field, std::string_view codec, std::string_view key,
                    std::shared_ptr<const Node> value, std::vector<CodecOptions>* out) {
  CodecOptions* options = OptionsOf(codec, field.key_mark, out);
  if (HasKey(*options->node, key)) {
    c.Add(field.key_mark, "option " + Quote(key) + " of codec " + Quote(codec) + " is given twice");
    return;
  }
  // A tree does not change once others may hold it.
  auto longer = Node::Map(options->node->mark());
  for (const Node::Entry& entry : options->node->entries())
    longer->Add(entry.key, entry.key_mark, entry.value);
  longer->Add(std::string(key), field.key_mark, std::move(value));
  options->node = std::move(longer);
}

void AddCodecOptionMs(Context& c, const Field& field, std::string_view codec, std::string_view key,
                      std::vector<CodecOptions>* out) {
  const std::size_t before = c.diagnostics().count();
  Milliseconds value{0};
  ReadDuration(c, field, Milliseconds(0), kMaxDuration, &value);
  if (c.diagnostics().count() != before) return;
  AddCodecOption(c, field, codec, key,
                 Node::Scalar(std::to_string(value.count()), false, field.node().mark()), out);
}

void ReadCodecOptions(Context& c, const Field& field, std::vector<CodecOptions>* out) {
  if (!ExpectMap(c, field)) return;
  for (const Node::Entry& codec : field.node().entries()) {
    codec.read = true;
    const Field one = EntryField(codec);
    if (!IsPluginName(codec.key)) {
      c.Add(codec.key_mark, Quote(codec.key) + " is no codec's name", "a plugin's name");
      continue;
    }
    OptionsOf(codec.key, codec.key_mark, out);
    if (one.node().is_null() || !ExpectMap(c, one)) continue;
    for (const Node::Entry& option : one.node().entries()) {
      option.read = true;
      AddCodecOption(c, EntryField(option), codec.key, option.key, option.value, out);
    }
  }
}

std::shared_ptr<const Node> PrintCodecOptions(const std::vector<CodecOptions>& options) {
  if (options.empty()) return nullptr;
  auto map = Node::Map({});
  for (const CodecOptions& one : options) map->Add(one.codec, {}, one.node);
  return map;
}

}  // namespace weir::config
