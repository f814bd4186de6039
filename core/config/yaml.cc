#include "core/config/yaml.h"

#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "core/config/expand_env.h"

namespace weir::config {
namespace {

// Thrown through yaml-cpp to leave a parse that has gone out of bounds; never leaves this file.
struct Abandon {};

constexpr std::string_view kStandardTags = "tag:yaml.org,2002:";

// Builds the tree from yaml-cpp's events. Events rather than yaml-cpp's own nodes, because the
// events carry the place of every key and alias, show duplicate keys, and can be stopped at a
// bound.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Environment& environment, Diagnostics* diagnostics, const YamlLimits& limits)
      : environment_(environment), diagnostics_(diagnostics), limits_(limits) {}

  std::shared_ptr<const Node> root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // yaml-cpp marks a missing value by the token after it; the key's place is the useful one.
    Mark place = Place(mark);
    if (HasPendingKey()) place = open_.back().key_mark;
    Finish(Node::Null(place), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Fail(Place(mark), "this alias stands inside the very value that it repeats");
    }
    alias_nodes_ += found->second->CountNodes();
    if (alias_nodes_ > limits_.max_alias_nodes) {
      Fail(Place(mark),
           "aliases repeat more than " + std::to_string(limits_.max_alias_nodes) + " values");
    }
    // A copy, so that each place has its own record of what was read.
    Finish(Copy(*found->second, open_.size()), YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Mark place = Place(mark);
    CheckTag(place, tag);
    const bool quoted = tag == "!" || tag == std::string(kStandardTags) + "str";
    if (InKeyPosition()) {
      Finish(Node::Scalar(value, quoted, place), anchor);
      return;
    }
    std::string error;
    auto expanded = ExpandEnvironment(value, environment_, &error);
    if (!expanded) diagnostics_->Add(place, error);
    Finish(Node::Scalar(expanded ? *expanded : value, quoted, place), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Node::Sequence(Place(mark)), tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Node::Map(Place(mark)), tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;  // maps: a key was read, its value is next
    bool drop = false;     // the value of a duplicate key
    std::string key;
    Mark key_mark;
    std::set<std::string, std::less<>> keys;
  };

  static Mark Place(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

  [[noreturn]] void Fail(Mark mark, const std::string& message) {
    diagnostics_->Add(mark, message);
    throw Abandon{};
  }

  bool InKeyPosition() const {
    return !open_.empty() && open_.back().node->is_map() && !open_.back().has_key;
  }
  bool HasPendingKey() const {
    return !open_.empty() && open_.back().node->is_map() && open_.back().has_key;
  }

  void CheckTag(Mark mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    if (tag.compare(0, kStandardTags.size(), kStandardTags) == 0) return;
    diagnostics_->Add(mark, "tag " + Quote(tag) + " has no meaning here");
  }

  void CountNode(Mark mark) {
    if (++nodes_ > limits_.max_nodes) {
      Fail(mark, "the file holds more than " + std::to_string(limits_.max_nodes) + " values");
    }
  }

  void Open(std::shared_ptr<Node> node, const std::string& tag, YAML::anchor_t anchor) {
    const Mark mark = node->mark();
    CheckTag(mark, tag);
    if (InKeyPosition()) Fail(mark, "a key is " + std::string(node->KindName()) + ", not a name");
    if (open_.size() >= limits_.max_depth) {
      Fail(mark, "values are nested deeper than " + std::to_string(limits_.max_depth));
    }
    CountNode(mark);
    Level level;
    level.node = std::move(node);
    level.anchor = anchor;
    open_.push_back(std::move(level));
  }

  void Close() {
    Level level = std::move(open_.back());
    open_.pop_back();
    Attach(level.node, level.anchor);
  }

  // A scalar, null or copy: complete at once.
  void Finish(std::shared_ptr<const Node> node, YAML::anchor_t anchor) {
    CountNode(node->mark());
    Attach(std::move(node), anchor);
  }

  void Attach(std::shared_ptr<const Node> node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = open_.back();
    if (level.node->is_sequence()) {
      const Mark mark = node->mark();
      level.node->Add("", mark, std::move(node));
    } else if (!level.has_key) {
      TakeKey(level, *node);
    } else {
      level.has_key = false;
      if (!level.drop) level.node->Add(std::move(level.key), level.key_mark, std::move(node));
    }
  }

  void TakeKey(Level& level, const Node& key) {
    if (!key.is_scalar())
      Fail(key.mark(), "a key is " + std::string(key.KindName()) + ", not a name");
    level.has_key = true;
    level.key = key.text();
    level.key_mark = key.mark();
    level.drop = !level.keys.insert(key.text()).second;
    if (level.drop) {
      diagnostics_->Add(key.mark(), "key " + Quote(key.text()) + " is given twice");
    } else if (key.text() == "<<" && !key.quoted()) {
      diagnostics_->Add(key.mark(), "merge keys (<<) are not part of this format",
                        "an alias for a whole value, or the keys written out");
    }
  }

  std::shared_ptr<const Node> Copy(const Node& node, std::size_t depth) {
    if (!node.is_scalar() && !node.is_null() && depth >= limits_.max_depth) {
      Fail(node.mark(), "values are nested deeper than " + std::to_string(limits_.max_depth));
    }
    auto copy = std::make_shared<Node>(node.kind(), node.text(), node.quoted(), node.mark());
    for (const Node::Entry& entry : node.entries()) {
      CountNode(entry.key_mark);
      copy->Add(entry.key, entry.key_mark, Copy(*entry.value, depth + 1));
    }
    return copy;
  }

  const Environment& environment_;
  Diagnostics* diagnostics_;
  const YamlLimits& limits_;
  std::vector<Level> open_;
  std::map<YAML::anchor_t, std::shared_ptr<const Node>> anchors_;
  std::shared_ptr<const Node> root_;
  std::size_t nodes_ = 0;
  std::size_t alias_nodes_ = 0;
};

// Only notes where a document starts.
class DocumentFinder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    place = {mark.line + 1, mark.column + 1};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  Mark place;
};

}  // namespace

std::shared_ptr<const Node> ParseYaml(std::string_view text, const Environment& environment,
                                      Diagnostics* diagnostics, const YamlLimits& limits) {
  if (text.size() > limits.max_text_bytes) {
    diagnostics->Add({},
                     "the file is larger than " + std::to_string(limits.max_text_bytes) + " bytes");
    return nullptr;
  }
  TreeBuilder builder(environment, diagnostics, limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics->Add({1, 1}, "the file is empty");
      return nullptr;
    }
    DocumentFinder next;
    if (parser.HandleNextDocument(next)) {
      diagnostics->Add(next.place, "a second document starts here", "one document a file");
      return nullptr;
    }
  } catch (const Abandon&) {
    return nullptr;
  } catch (const YAML::Exception& error) {
    diagnostics->Add({error.mark.line + 1, error.mark.column + 1},
                     "this is no valid YAML: " + error.msg);
    return nullptr;
  }
  return builder.root();
}

}  // namespace weir::config
