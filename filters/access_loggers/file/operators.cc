#include "filters/access_loggers/file/operators.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <unistd.h>

#include "filters/access_loggers/file/grpc_status.h"
#include "plugins/abi/tokens.h"
#include "plugins/util/token.h"

namespace weir::access_log {
namespace {

using sdk::HttpStream;

std::optional<std::int64_t> Number(const HttpStream& stream, std::uint32_t id) {
  if (!WEIR_HAS(stream.api(), number)) return std::nullopt;
  return stream.Number(id);
}

std::string_view Field(const HttpStream& stream, std::uint32_t which, const std::string& name,
                       std::uint16_t token) {
  weir_view value{};
  const std::int32_t status =
      token != 0 ? stream.api()->get_token(stream.handle(), which, token, 0, &value)
                 : stream.api()->get(stream.handle(), which, sdk::View(name), 0, &value);
  return status == WEIR_OK ? sdk::Text(value) : std::string_view();
}

// ---- Evaluation

Value Constant(const Operator& op, const HttpStream&, Scratch&) {
  return Value::Of(std::string_view(op.name));
}

Value Attribute(const Operator& op, const HttpStream& stream, Scratch&) {
  return Value::Of(stream.Attribute(op.id));
}

// "1.2.3.4:80" and "[::1]:80" without what follows the host.
Value WithoutPort(const Operator& op, const HttpStream& stream, Scratch&) {
  std::string_view text = stream.Attribute(op.id);
  const std::size_t colon = text.rfind(':');
  if (text.substr(0, 5) == "unix:" || colon == std::string_view::npos) return Value::Of(text);
  text = text.substr(0, colon);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  return Value::Of(text);
}

Value OfNumber(const Operator& op, const HttpStream& stream, Scratch&) {
  const auto number = Number(stream, op.id);
  return number ? Value::Of(*number) : Value{};
}

Value ResponseCode(const Operator& op, const HttpStream& stream, Scratch&) {
  return Value::Of(Number(stream, op.id).value_or(stream.status()));
}

Value Milliseconds(const Operator& op, const HttpStream& stream, Scratch&) {
  const auto to = Number(stream, op.id);
  const auto from = op.second_id == 0 ? 0 : Number(stream, op.second_id);
  if (!to || !from) return {};
  return Value::Of((*to - *from) / 1000);
}

Value StartTime(const Operator& op, const HttpStream& stream, Scratch& scratch) {
  const auto start = Number(stream, WEIR_NUMBER_START_UNIX_US);
  if (!start) return {};
  return Value::Of(std::string_view(scratch, op.time->Write(*start, scratch)));
}

template <std::uint32_t which>
Value OfField(const Operator& op, const HttpStream& stream, Scratch&) {
  std::string_view text = Field(stream, which, op.name, op.token);
  if (text.empty() && !op.other_name.empty())
    text = Field(stream, which, op.other_name, op.other_token);
  return Value::Of(text);
}

std::string_view StartOrField(const HttpStream& stream, const std::string& name,
                              std::uint16_t token) {
  // What Envoy's router would have put there; a client may have sent anything under that name.
  if (name == "x-envoy-original-path") return stream.Attribute(WEIR_ATTR_ORIGINAL_PATH);
  if (name.empty() || name.front() != ':') return Field(stream, WEIR_REQUEST, name, token);
  weir_view value{};
  const std::int32_t status = stream.api()->get_start(stream.handle(), sdk::View(name), &value);
  return status == WEIR_OK ? sdk::Text(value) : std::string_view();
}

// A start line's part, or a field where one of the two names is neither.
Value OfRequest(const Operator& op, const HttpStream& stream, Scratch&) {
  std::string_view text = StartOrField(stream, op.name, op.token);
  if (text.empty() && !op.other_name.empty())
    text = StartOrField(stream, op.other_name, op.other_token);
  return Value::Of(text);
}

Value StatusLine(const Operator&, const HttpStream& stream, Scratch&) {
  return stream.status() == 0 ? Value{} : Value::Of(std::int64_t{stream.status()});
}

Value Metadata(const Operator& op, const HttpStream& stream, Scratch&) {
  if (!WEIR_HAS(stream.api(), metadata)) return {};
  return Value::Of(stream.Metadata(op.name, op.other_name).value_or(std::string_view()));
}

Value GrpcStatus(const Operator& op, const HttpStream& stream, Scratch& scratch) {
  const auto code = GrpcStatusOf(stream);
  if (!code) return {};
  const auto form = static_cast<GrpcStatusForm>(op.id);
  if (form == GrpcStatusForm::kNumber) return Value::Of(*code);
  return Value::Of(GrpcStatusName(*code, form, scratch));
}

// ---- The table

// How an operator's argument is read.
enum class Argument : std::uint8_t { kNone, kFields, kTime, kMetadata, kVariable, kGrpc };

struct Row {
  std::string_view name;
  Argument argument;
  Operator::Evaluate evaluate;
  std::uint32_t id;
  std::uint32_t second_id;
};

Value Nothing(const Operator&, const HttpStream&, Scratch&) {
  return {};
}

constexpr Argument kNo = Argument::kNone;
constexpr Row kRows[] = {
    {"START_TIME", Argument::kTime, StartTime, 0, 0},
    {"REQ", Argument::kFields, OfField<WEIR_REQUEST>, WEIR_REQUEST, 0},
    {"REQUEST_HEADER", Argument::kFields, OfField<WEIR_REQUEST>, WEIR_REQUEST, 0},
    {"RESP", Argument::kFields, OfField<WEIR_RESPONSE>, WEIR_RESPONSE, 0},
    {"RESPONSE_HEADER", Argument::kFields, OfField<WEIR_RESPONSE>, WEIR_RESPONSE, 0},
    {"TRAILER", Argument::kFields, OfField<WEIR_RESPONSE_TRAILERS>, WEIR_RESPONSE_TRAILERS, 0},
    {"RESPONSE_TRAILER", Argument::kFields, OfField<WEIR_RESPONSE_TRAILERS>, WEIR_RESPONSE_TRAILERS,
     0},
    {"PROTOCOL", kNo, Attribute, WEIR_ATTR_PROTOCOL, 0},
    {"UPSTREAM_PROTOCOL", kNo, Attribute, WEIR_ATTR_UPSTREAM_PROTOCOL, 0},
    {"RESPONSE_CODE", kNo, ResponseCode, WEIR_NUMBER_RESPONSE_CODE, 0},
    {"RESPONSE_CODE_DETAILS", kNo, Attribute, WEIR_ATTR_RESPONSE_CODE_DETAILS, 0},
    {"RESPONSE_FLAGS", kNo, Attribute, WEIR_ATTR_RESPONSE_FLAGS, 0},
    {"BYTES_RECEIVED", kNo, OfNumber, WEIR_NUMBER_BYTES_RECEIVED, 0},
    {"BYTES_SENT", kNo, OfNumber, WEIR_NUMBER_BYTES_SENT, 0},
    {"DURATION", kNo, Milliseconds, WEIR_NUMBER_END_US, 0},
    {"REQUEST_DURATION", kNo, Milliseconds, WEIR_NUMBER_REQUEST_END_US, 0},
    {"REQUEST_TX_DURATION", kNo, Milliseconds, WEIR_NUMBER_UPSTREAM_END_US, 0},
    {"RESPONSE_DURATION", kNo, Milliseconds, WEIR_NUMBER_RESPONSE_START_US, 0},
    {"RESPONSE_TX_DURATION", kNo, Milliseconds, WEIR_NUMBER_END_US, WEIR_NUMBER_RESPONSE_START_US},
    {"UPSTREAM_HOST", kNo, Attribute, WEIR_ATTR_UPSTREAM_ADDRESS, 0},
    {"UPSTREAM_CLUSTER", kNo, Attribute, WEIR_ATTR_CLUSTER, 0},
    {"UPSTREAM_LOCAL_ADDRESS", kNo, Attribute, WEIR_ATTR_UPSTREAM_LOCAL_ADDRESS, 0},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", kNo, OfNumber, WEIR_NUMBER_ATTEMPTS, 0},
    {"UPSTREAM_TRANSPORT_FAILURE_REASON", kNo, Attribute, WEIR_ATTR_UPSTREAM_FAILURE, 0},
    {"DOWNSTREAM_REMOTE_ADDRESS", kNo, Attribute, WEIR_ATTR_DOWNSTREAM_ADDRESS, 0},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", kNo, WithoutPort, WEIR_ATTR_DOWNSTREAM_ADDRESS, 0},
    {"DOWNSTREAM_REMOTE_PORT", kNo, OfNumber, WEIR_NUMBER_DOWNSTREAM_PORT, 0},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", kNo, Attribute, WEIR_ATTR_DIRECT_ADDRESS, 0},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", kNo, WithoutPort, WEIR_ATTR_DIRECT_ADDRESS,
     0},
    {"DOWNSTREAM_LOCAL_ADDRESS", kNo, Attribute, WEIR_ATTR_LOCAL_ADDRESS, 0},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", kNo, WithoutPort, WEIR_ATTR_LOCAL_ADDRESS, 0},
    {"DOWNSTREAM_LOCAL_PORT", kNo, OfNumber, WEIR_NUMBER_LOCAL_PORT, 0},
    {"DOWNSTREAM_TLS_VERSION", kNo, Attribute, WEIR_ATTR_TLS_VERSION, 0},
    {"DOWNSTREAM_TLS_CIPHER", kNo, Attribute, WEIR_ATTR_TLS_CIPHER, 0},
    {"DOWNSTREAM_TLS_SESSION_ID", kNo, Attribute, WEIR_ATTR_TLS_SESSION_ID, 0},
    {"DOWNSTREAM_PEER_SUBJECT", kNo, Attribute, WEIR_ATTR_PEER_SUBJECT, 0},
    {"DOWNSTREAM_PEER_DNS_SAN", kNo, Attribute, WEIR_ATTR_PEER_DNS_SAN, 0},
    {"DOWNSTREAM_PEER_URI_SAN", kNo, Attribute, WEIR_ATTR_PEER_URI_SAN, 0},
    {"DOWNSTREAM_PEER_SERIAL", kNo, Attribute, WEIR_ATTR_PEER_SERIAL, 0},
    {"DOWNSTREAM_PEER_FINGERPRINT_256", kNo, Attribute, WEIR_ATTR_PEER_FINGERPRINT_256, 0},
    {"REQUESTED_SERVER_NAME", kNo, Attribute, WEIR_ATTR_REQUESTED_SERVER_NAME, 0},
    {"ROUTE_NAME", kNo, Attribute, WEIR_ATTR_ROUTE, 0},
    {"FILTER_CHAIN_NAME", kNo, Attribute, WEIR_ATTR_FILTER_CHAIN, 0},
    {"DYNAMIC_METADATA", Argument::kMetadata, Metadata, 0, 0},
    {"CONNECTION_ID", kNo, OfNumber, WEIR_NUMBER_CONNECTION_ID, 0},
    {"STREAM_ID", kNo, OfNumber, WEIR_NUMBER_STREAM_ID, 0},
    {"GRPC_STATUS", Argument::kGrpc, GrpcStatus, 0, 0},
    {"GRPC_STATUS_NUMBER", kNo, GrpcStatus, static_cast<std::uint32_t>(GrpcStatusForm::kNumber), 0},
    {"HOSTNAME", kNo, Constant, 0, 0},
    {"ENVIRONMENT", Argument::kVariable, Constant, 0, 0},
    {"LOCAL_REPLY_BODY", kNo, Attribute, WEIR_ATTR_LOCAL_REPLY_BODY, 0},
};

std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string NearestOperator(std::string_view name) {
  std::string_view nearest;
  std::size_t best = name.size() / 2 + 1;
  for (const Row& row : kRows) {
    const std::size_t distance = Distance(name, row.name);
    if (distance < best) {
      best = distance;
      nearest = row.name;
    }
  }
  return nearest.empty() ? "" : "; did you mean %" + std::string(nearest) + "%?";
}

// ---- Arguments

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return lower;
}

bool IsFieldName(std::string_view name) {
  if (!name.empty() && name.front() == ':') name.remove_prefix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
  });
}

bool TakeFields(std::string_view argument, const Row& row, Operator* op, std::string* error) {
  const std::size_t mark = argument.find('?');
  op->name = LowerCase(argument.substr(0, mark));
  if (mark != std::string_view::npos) op->other_name = LowerCase(argument.substr(mark + 1));
  const bool two = mark != std::string_view::npos;
  if (!IsFieldName(op->name) || (two && !IsFieldName(op->other_name))) {
    *error = "%" + std::string(row.name) + "(...)% takes the name of a field, or two as X?Y";
    return false;
  }
  op->token = util::FindToken(op->name.data(), op->name.size());
  op->other_token = util::FindToken(op->other_name.data(), op->other_name.size());
  const auto special = [](const std::string& name) {
    return !name.empty() && (name.front() == ':' || name == "x-envoy-original-path");
  };
  if (row.id == WEIR_REQUEST && (special(op->name) || special(op->other_name)))
    op->evaluate = OfRequest;
  const auto is_path = [](const std::string& name) {
    return name == ":path" || name == "x-envoy-original-path";
  };
  if (row.id == WEIR_REQUEST && (is_path(op->name) || is_path(op->other_name)))
    op->limit = kMaxPath;
  if (row.id != WEIR_RESPONSE) return true;
  if (op->name == ":status") op->evaluate = StatusLine;
  // The time that the backend took, which Envoy's router writes there: a backend's own field of
  // that name is not believed.
  if (op->name == "x-envoy-upstream-service-time") {
    op->evaluate = Milliseconds;
    op->id = WEIR_NUMBER_RESPONSE_START_US;
    op->second_id = WEIR_NUMBER_UPSTREAM_START_US;
  }
  return true;
}

bool TakeArgument(std::string_view argument, bool given, const Row& row, Operator* op,
                  std::string* error) {
  const std::string name = "%" + std::string(row.name) + "%";
  switch (row.argument) {
    case Argument::kNone:
      if (given) *error = name + " takes no argument";
      if (row.name == "HOSTNAME") {
        char host[256] = {};
        if (gethostname(host, sizeof host - 1) == 0) op->name = host;
      }
      return !given;
    case Argument::kFields:
      return TakeFields(argument, row, op, error);
    case Argument::kTime:
      op->time = std::make_shared<TimeFormat>();
      return op->time->Compile(argument, error);
    case Argument::kMetadata: {
      const std::size_t colon = argument.find(':');
      op->name = argument.substr(0, colon);
      if (colon != std::string_view::npos) op->other_name = argument.substr(colon + 1);
      if (op->name.empty() || op->other_name.empty() ||
          op->other_name.find(':') != std::string::npos) {
        *error = name + " takes (space:key)";
        return false;
      }
      return true;
    }
    case Argument::kVariable: {
      const char* value = std::getenv(std::string(argument).c_str());
      op->name = value == nullptr ? "" : value;
      if (argument.empty()) *error = name + " takes the name of a variable of the environment";
      return !argument.empty();
    }
    case Argument::kGrpc:
      if (!given || argument == "CAMEL_STRING") return true;
      op->id = static_cast<std::uint32_t>(argument == "NUMBER" ? GrpcStatusForm::kNumber
                                                               : GrpcStatusForm::kSnake);
      if (argument == "NUMBER" || argument == "SNAKE_STRING") return true;
      *error = name + " takes CAMEL_STRING, SNAKE_STRING or NUMBER";
      return false;
  }
  return false;
}

// One operator's text, without the two '%'.
struct Parts {
  std::string_view name;
  std::string_view argument;
  bool has_argument = false;
  std::string_view most;
  bool has_most = false;
};

// *at is behind the first '%', and then behind the second one.
bool Split(std::string_view format, std::size_t* at, Parts* parts) {
  std::size_t i = *at;
  while (i < format.size() && ((format[i] >= 'A' && format[i] <= 'Z') || format[i] == '_' ||
                               (format[i] >= '0' && format[i] <= '9')))
    ++i;
  parts->name = format.substr(*at, i - *at);
  if (i < format.size() && format[i] == '(') {
    // A time's format has '%' in it: the argument ends with its bracket.
    const std::size_t close = format.find(')', i);
    if (close == std::string_view::npos) return false;
    parts->argument = format.substr(i + 1, close - i - 1);
    parts->has_argument = true;
    i = close + 1;
  }
  if (i < format.size() && format[i] == ':') {
    const std::size_t end = format.find('%', i);
    if (end == std::string_view::npos) return false;
    parts->most = format.substr(i + 1, end - i - 1);
    parts->has_most = true;
    i = end;
  }
  if (i >= format.size() || format[i] != '%' || parts->name.empty()) return false;
  *at = i + 1;
  return true;
}

bool CompileOperator(const Parts& parts, Operator* op, std::string* error) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const Row& r) { return r.name == parts.name; });
  if (row == std::end(kRows)) {
    *error = "there is no operator %" + std::string(parts.name) + "%" + NearestOperator(parts.name);
    return false;
  }
  op->evaluate = row->evaluate;
  op->id = row->id;
  op->second_id = row->second_id;
  op->limit = kMaxValue;
  if (!TakeArgument(parts.argument, parts.has_argument, *row, op, error)) return false;
  if (op->evaluate == Constant && op->name.empty()) op->evaluate = Nothing;
  if (!parts.has_most) return true;
  char* end = nullptr;
  const std::string digits(parts.most);
  const unsigned long most = std::strtoul(digits.c_str(), &end, 10);
  if (digits.empty() || digits.size() > 6 || *end != '\0' || digits[0] < '0' || digits[0] > '9') {
    *error = "what follows the colon of %" + std::string(parts.name) + "% is no length";
    return false;
  }
  op->most = most;
  return true;
}

}  // namespace

const std::string_view kDefaultFormat =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" "
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";

bool CompileFormat(std::string_view format, std::vector<Piece>* pieces, std::string* error) {
  std::string text;
  const auto flush = [&] {
    if (!text.empty()) pieces->push_back({text, {}});
    text.clear();
  };
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      text += format[at++];
      continue;
    }
    ++at;
    if (at < format.size() && format[at] == '%') {
      text += format[at++];
      continue;
    }
    const std::size_t start = at;
    Parts parts;
    if (!Split(format, &at, &parts)) {
      *error = "\"%" + std::string(format.substr(start, 40)) +
               "\" begins no operator; a percent sign itself is %%";
      return false;
    }
    flush();
    Piece piece;
    if (!CompileOperator(parts, &piece.op, error)) return false;
    pieces->push_back(std::move(piece));
  }
  flush();
  return true;
}

}  // namespace weir::access_log
