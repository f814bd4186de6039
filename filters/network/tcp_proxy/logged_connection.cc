#include "filters/network/tcp_proxy/logged_connection.h"

#include "core/http/path.h"

namespace weir::tcp_proxy {
namespace {

// Not known is null: empty texts are not worth more here.
std::string_view OrNothing(std::string_view text) {
  return text.empty() ? std::string_view{} : text;
}

}  // namespace

LoggedConnection::LoggedConnection(const ConnectionRecord& record, server::ConnectionFacts* facts,
                                   base::SlabPool* pool)
    : record_(record),
      facts_(facts),
      arena_(pool, room_, kRoom, kMost),
      chain_(this, &arena_, pool) {
  chain_.Kill();
}

void LoggedConnection::Log(const server::AccessLoggers& loggers) {
  http::FilterSlot slot{};
  slot.chain = &chain_;
  loggers.Log(reinterpret_cast<weir_stream*>(&slot));
}

std::string_view LoggedConnection::Text(const net::Address* address) {
  if (address == nullptr) return {};
  char text[net::Address::kMaxText];
  return arena_.Copy({text, address->Print(text)});
}

std::string_view LoggedConnection::FlagsText() {
  char text[observe::kMaxResponseFlagsText];
  return arena_.Copy(
      {text, static_cast<size_t>(observe::WriteResponseFlags(record_.flags, text) - text)});
}

std::string_view LoggedConnection::Attribute(uint32_t id) {
  switch (id) {
    case WEIR_ATTR_CLUSTER:
      return OrNothing(record_.cluster);
    case WEIR_ATTR_LISTENER:
      return OrNothing(record_.listener);
    case WEIR_ATTR_UPSTREAM_ADDRESS:
      return Text(record_.upstream);
    case WEIR_ATTR_UPSTREAM_LOCAL_ADDRESS:
      return Text(record_.upstream_local);
    case WEIR_ATTR_UPSTREAM_FAILURE:
      return OrNothing(record_.upstream_failure);
    case WEIR_ATTR_RESPONSE_FLAGS:
      return FlagsText();
    default: {
      std::string_view value;
      return facts_->Attribute(id, &value) ? value : std::string_view{};
    }
  }
}

bool LoggedConnection::Number(uint32_t id, int64_t* value) {
  const auto is = [value](auto number) {
    *value = static_cast<int64_t>(number);
    return true;
  };
  switch (id) {
    case WEIR_NUMBER_RESPONSE_CODE:
      return is(0);
    case WEIR_NUMBER_BYTES_RECEIVED:
      return is(record_.bytes_received);
    case WEIR_NUMBER_BYTES_SENT:
      return is(record_.bytes_sent);
    case WEIR_NUMBER_START_UNIX_US:
      return is(record_.start_unix_ms * 1000);
    case WEIR_NUMBER_END_US:
      return is(record_.duration_ms * 1000);
    case WEIR_NUMBER_ATTEMPTS:
      return is(record_.attempts);
    default:
      return facts_->Number(id, value);
  }
}

std::string_view LoggedConnection::ConnectionNote(std::string_view space, std::string_view key) {
  std::string_view value;
  return facts_->Note(space, key, &value) ? value : std::string_view{};
}

const http::PathOptions& LoggedConnection::ChainPathOptions() const {
  static const http::PathOptions options;
  return options;
}

}  // namespace weir::tcp_proxy
