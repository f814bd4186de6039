#include "core/config/tables.h"

namespace weir::config {
namespace {

struct Operator {
  std::string_view name;
  FormatPiece::Kind kind;
};

constexpr Operator kOperators[] = {
    {"RESPONSE_CODE", FormatPiece::Kind::kResponseCode},
    {"RESPONSE_CODE_DETAILS", FormatPiece::Kind::kResponseCodeDetails},
    {"LOCAL_REPLY_BODY", FormatPiece::Kind::kLocalReplyBody},
};

void AddLiteral(std::string_view text, std::vector<FormatPiece>* pieces) {
  if (text.empty()) return;
  if (pieces->empty() || pieces->back().kind != FormatPiece::Kind::kLiteral) {
    pieces->push_back({FormatPiece::Kind::kLiteral, ""});
  }
  pieces->back().literal += text;
}

// Cuts "a %OPERATOR% b" into pieces; "%%" is a percent sign. False, with *bad set, at an unknown
// operator.
bool ParseFormat(std::string_view text, std::vector<FormatPiece>* pieces, std::string* bad) {
  pieces->clear();
  while (!text.empty()) {
    const std::size_t open = text.find('%');
    AddLiteral(text.substr(0, open), pieces);
    if (open == std::string_view::npos) return true;
    const std::size_t close = text.find('%', open + 1);
    if (close == std::string_view::npos) {
      *bad = text.substr(open);
      return false;
    }
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const Operator* found = nullptr;
    for (const Operator& op : kOperators) {
      if (op.name == name) found = &op;
    }
    if (name.empty()) {
      AddLiteral("%", pieces);
    } else if (found != nullptr) {
      pieces->push_back({found->kind, ""});
    } else {
      *bad = text.substr(open, close + 1 - open);
      return false;
    }
    text.remove_prefix(close + 1);
  }
  return true;
}

void SetFormat(Context& c, const Field& field, const std::string& text, BodyFormat* out) {
  std::string bad;
  if (!ParseFormat(text, &out->pieces, &bad)) {
    c.Add(field.node().mark(), std::string(field.key) + " has the operator " + Quote(bad),
          "%RESPONSE_CODE%, %RESPONSE_CODE_DETAILS%, %LOCAL_REPLY_BODY%, or %% for a percent sign");
    return;
  }
  out->text_format = text;
}

void ReadFormatSource(Context& c, const Field& field, BodyFormat* out) {
  std::string text;
  ReadDataSource(c, field, &text);
  SetFormat(c, field, text, out);
}

void ReadFormatText(Context& c, const Field& field, BodyFormat* out) {
  // Line ends are welcome here, so this is no ReadText.
  const auto text = field.node().AsString();
  if (!text) return c.AddExpected(field, "a format such as \"%LOCAL_REPLY_BODY%\"");
  SetFormat(c, field, std::string(*text), out);
}

void ReadBodyFormat(Context& c, const Field& field, BodyFormat* out) {
  if (field.node().is_scalar()) return ReadFormatText(c, field, out);
  CheckOneOf(c, field, {"text_format", "text_format_source"}, false);
  ReadMap(c, field, BodyFormatKeys(), out);
}

// "503" or "500-599".
bool ParseStatusRange(const std::string& text, StatusRange* out) {
  const auto number = [](std::string_view digits, std::uint32_t* value) {
    if (digits.size() != 3) return false;
    *value = 0;
    for (const char ch : digits) {
      if (ch < '0' || ch > '9') return false;
      *value = *value * 10 + static_cast<std::uint32_t>(ch - '0');
    }
    return *value >= 100;
  };
  const std::string_view view = text;
  const std::size_t dash = view.find('-');
  if (!number(view.substr(0, dash), &out->min)) return false;
  out->max = out->min;
  return dash == std::string_view::npos ||
         (number(view.substr(dash + 1), &out->max) && out->max >= out->min);
}

void ReadStatusRanges(Context& c, const Field& field, LocalReplyMapper* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    StatusRange range;
    if (!element.node().is_scalar() || !ParseStatusRange(element.node().text(), &range)) {
      c.AddExpected(element, "a status code such as 503, or a range such as 500-599");
      continue;
    }
    out->status.push_back(range);
  }
}

struct Comparison {
  enum class Op { kEq, kGe, kLe, kNe };
  Op op = Op::kEq;
  std::uint32_t value = 0;
};

const Keys<Comparison>& ComparisonKeys() {
  using Op = Comparison::Op;
  static const Keys<Comparison> value = {
      IntKey("default_value", &Comparison::value, 100, 999, "").Required(),
      // Weir has no runtime layer, so the default is always the value; Envoy's schema wants the key
      // to be there.
      DescriptiveKey<Comparison>("runtime_key", ""),
  };
  static const Keys<Comparison> keys = {
      EnumKey<Comparison, Op>("op", &Comparison::op,
                              {{"EQ", Op::kEq}, {"GE", Op::kGe}, {"LE", Op::kLe}, {"NE", Op::kNe}},
                              {}, ""),
      GroupKey<Comparison>("value", value, "").Required(),
  };
  return keys;
}

void ReadComparison(Context& c, const Field& field, LocalReplyMapper* out) {
  Comparison comparison;
  ReadMap(c, field, ComparisonKeys(), &comparison);
  const std::uint32_t v = comparison.value;
  switch (comparison.op) {
    case Comparison::Op::kEq:
      out->status.push_back({v, v});
      break;
    case Comparison::Op::kGe:
      out->status.push_back({v, 999});
      break;
    case Comparison::Op::kLe:
      out->status.push_back({100, v});
      break;
    case Comparison::Op::kNe:
      if (v > 100) out->status.push_back({100, v - 1});
      if (v < 999) out->status.push_back({v + 1, 999});
      break;
  }
}

const Keys<LocalReplyMapper>& StatusFilterKeys() {
  static const Keys<LocalReplyMapper> filter = {
      CustomKey<LocalReplyMapper>("comparison", "mapping", ReadComparison, nullptr, "").Required(),
  };
  static const Keys<LocalReplyMapper> keys = {
      GroupKey<LocalReplyMapper>("status_code_filter", filter, ""),
      MissingKey<LocalReplyMapper>("duration_filter", "choosing a local reply by duration"),
      MissingKey<LocalReplyMapper>("header_filter", "choosing a local reply by fields"),
      MissingKey<LocalReplyMapper>("response_flag_filter", "choosing a local reply by flags"),
      MissingKey<LocalReplyMapper>("runtime_filter", "choosing a local reply by runtime keys"),
      MissingKey<LocalReplyMapper>("and_filter", "combined local reply filters"),
      MissingKey<LocalReplyMapper>("or_filter", "combined local reply filters"),
      MissingKey<LocalReplyMapper>("metadata_filter", "choosing a local reply by metadata"),
      MissingKey<LocalReplyMapper>("grpc_status_filter", "choosing a local reply by gRPC status"),
      MissingKey<LocalReplyMapper>("not_health_check_filter", "choosing a local reply by health"),
      MissingKey<LocalReplyMapper>("extension_filter", "extensions of local reply filters"),
  };
  return keys;
}

std::shared_ptr<const Node> PrintStatusRanges(const LocalReplyMapper& mapper) {
  auto list = Node::Sequence({});
  for (const StatusRange& range : mapper.status) {
    std::string text = std::to_string(range.min);
    if (range.max != range.min) text += "-" + std::to_string(range.max);
    list->Add("", {}, PrintText(text));
  }
  return list;
}

std::shared_ptr<const Node> PrintBodyFormat(const BodyFormat& format) {
  return PrintKeys(BodyFormatKeys(), format);
}

void ReadMapper(Context& c, const Field& field, LocalReplyConfig* out) {
  LocalReplyMapper mapper;
  const std::size_t before = c.diagnostics().count();
  CheckOneOf(c, field, {"filter", "status_codes"}, field.node().is_map());
  ReadMap(c, field, LocalReplyMapperKeys(), &mapper);
  if (c.diagnostics().count() == before && mapper.status.empty()) {
    c.Add(field.key_mark, std::string(field.key) + " matches no status", "status_codes or filter");
  }
  out->mappers.push_back(std::move(mapper));
}

}  // namespace

const Keys<BodyFormat>& BodyFormatKeys() {
  static const Keys<BodyFormat> keys = {
      CustomKey<BodyFormat>("text_format", "string", ReadFormatText, nullptr,
                            "Short for text_format_source with inline_string.")
          .Shorthand(),
      CustomKey<BodyFormat>(
          "text_format_source", "data source", ReadFormatSource,
          [](const BodyFormat& b) -> std::shared_ptr<const Node> {
            return PrintMap({{"inline_string", PrintText(b.text_format)}});
          },
          "The body, with %RESPONSE_CODE%, %RESPONSE_CODE_DETAILS% and %LOCAL_REPLY_BODY% "
          "replaced; "
          "%% is a percent sign."),
      TextKey("content_type", &BodyFormat::content_type, "The content-type of the reply."),
      MissingKey<BodyFormat>("json_format", "local replies in JSON by structure"),
      MissingKey<BodyFormat>("omit_empty_values", "local replies in JSON by structure", "false"),
      MissingKey<BodyFormat>("formatters", "format extensions"),
      MissingKey<BodyFormat>("json_format_options", "local replies in JSON by structure"),
  };
  return keys;
}

const Keys<LocalReplyMapper>& LocalReplyMapperKeys() {
  using M = LocalReplyMapper;
  static const Keys<M> keys = {
      CustomKey<M>("status_codes", "list of status codes or ranges", ReadStatusRanges,
                   PrintStatusRanges, "Which replies it changes: `[503, 500-599]`."),
      CustomKey<M>(
          "filter", "mapping",
          [](Context& c, const Field& f, M* m) { ReadMap(c, f, StatusFilterKeys(), m); }, nullptr,
          "The same as Envoy writes it: status_code_filter with a comparison.")
          .Shorthand(),
      CustomKey<M>(
          "status_code", "integer",
          [](Context& c, const Field& f, M* m) {
            std::uint32_t status = 200;
            ReadInt(c, f, 200, 599, &status);
            m->status_code = status;
          },
          [](const M& m) { return m.status_code ? PrintInt(*m.status_code) : nullptr; },
          "Replaces the status."),
      CustomKey<M>(
          "body", "data source",
          [](Context& c, const Field& f, M* m) { ReadDataSource(c, f, &m->body.emplace()); },
          [](const M& m) -> std::shared_ptr<const Node> {
            if (!m.body) return nullptr;
            return PrintMap({{"inline_string", PrintText(*m.body)}});
          },
          "Replaces %LOCAL_REPLY_BODY%."),
      CustomKey<M>(
          "body_format_override", "body format",
          [](Context& c, const Field& f, M* m) { ReadBodyFormat(c, f, &m->body_format.emplace()); },
          [](const M& m) { return m.body_format ? PrintBodyFormat(*m.body_format) : nullptr; },
          "Replaces body_format."),
      MissingKey<M>("headers_to_add", "fields added to local replies"),
  };
  return keys;
}

const Keys<LocalReplyConfig>& LocalReplyConfigKeys() {
  static const Keys<LocalReplyConfig> keys = {
      CustomKey<LocalReplyConfig>(
          "mappers", "list of mappers",
          [](Context& c, const Field& f, LocalReplyConfig* l) {
            if (!ExpectList(c, f)) return;
            std::vector<std::string> names;
            for (const Field& element : Elements(f, &names)) ReadMapper(c, element, l);
          },
          [](const LocalReplyConfig& l) -> std::shared_ptr<const Node> {
            if (l.mappers.empty()) return nullptr;
            auto list = Node::Sequence({});
            for (const LocalReplyMapper& mapper : l.mappers) {
              list->Add("", {}, PrintKeys(LocalReplyMapperKeys(), mapper));
            }
            return list;
          },
          "Changes to single replies; the first that matches applies."),
      CustomKey<LocalReplyConfig>(
          "body_format", "body format",
          [](Context& c, const Field& f, LocalReplyConfig* l) {
            ReadBodyFormat(c, f, &l->body_format);
          },
          [](const LocalReplyConfig& l) { return PrintBodyFormat(l.body_format); },
          "How every local reply's body is made."),
  };
  return keys;
}

}  // namespace weir::config
