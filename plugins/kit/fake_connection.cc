#include "plugins/kit/fake_connection.h"

#include <atomic>
#include <string_view>

#include "plugins/kit/fake_host.h"
#include "plugins/sdk/view.h"

namespace weir::kit {
namespace {

using sdk::Text;
using sdk::View;

// Those of this worker that live, by the number in their tickets. Streams count from 1.
constexpr std::uint64_t kFirst = std::uint64_t{1} << 32;
std::map<std::uint64_t, FakeConnection*>& Living() {
  thread_local std::map<std::uint64_t, FakeConnection*> living;
  return living;
}
std::uint64_t NextId() {
  static std::atomic<std::uint64_t> last{kFirst};
  return ++last;
}

FakeConnection& Of(weir_connection* connection) {
  return *reinterpret_cast<FakeConnection*>(connection);
}

std::uint64_t DataSize(weir_connection* connection) {
  return Of(connection).received.size();
}

weir_view DataPiece(weir_connection* connection, std::uint64_t offset) {
  const std::string& data = Of(connection).received;
  return offset >= data.size() ? weir_view{nullptr, 0}
                               : View(std::string_view(data).substr(offset, 7));
}

void Drain(weir_connection* connection, std::uint64_t size) {
  FakeConnection& fake = Of(connection);
  fake.drained_too_much = fake.drained_too_much || size > fake.received.size();
  fake.received.erase(0, size);
}

std::int32_t Write(weir_connection* connection, weir_view data, std::uint32_t end_stream) {
  FakeConnection& fake = Of(connection);
  if (fake.failure != 0) return fake.failure;
  fake.written += Text(data);
  fake.ended = fake.ended || end_stream != 0;
  return WEIR_OK;
}

std::int32_t WriteReceived(weir_connection* connection, std::uint64_t size) {
  FakeConnection& fake = Of(connection);
  if (fake.failure != 0) return fake.failure;
  if (fake.written.size() >= fake.limit) return WEIR_NO_ROOM;
  fake.drained_too_much = fake.drained_too_much || size > fake.received.size();
  fake.written += fake.received.substr(0, size);
  fake.received.erase(0, size);
  return WEIR_OK;
}

void Close(weir_connection* connection, std::uint32_t flush) {
  Of(connection).closed = true;
  Of(connection).flushed = flush != 0;
}

std::uint64_t WritePending(weir_connection* connection) {
  return Of(connection).written.size();
}

weir_ticket ConnectionTicket(weir_connection* connection) {
  return Of(connection).ticket();
}

std::int32_t ConnectionResume(weir_ticket ticket) {
  FakeConnection* const connection = FakeConnection::FromTicket(ticket);
  if (connection == nullptr) return WEIR_REFUSED;
  ++connection->resumes;
  return WEIR_OK;
}

std::int32_t Attribute(weir_connection* connection, std::uint32_t id, weir_view* value) {
  const auto found = Of(connection).attributes.find(id);
  if (found == Of(connection).attributes.end()) return WEIR_ERROR;
  *value = View(found->second);
  return WEIR_OK;
}

std::int32_t SetAttribute(weir_connection* connection, std::uint32_t id, weir_view value) {
  const bool address = id == WEIR_ATTR_DOWNSTREAM_ADDRESS || id == WEIR_ATTR_LOCAL_ADDRESS;
  if (!address && id != WEIR_ATTR_REQUESTED_SERVER_NAME && id != WEIR_ATTR_ALPN) {
    return WEIR_REFUSED;
  }
  if (address && Text(value).find(':') == std::string_view::npos) return WEIR_REFUSED;
  Of(connection).attributes[id] = Text(value);
  return WEIR_OK;
}

std::int32_t Number(weir_connection* connection, std::uint32_t id, std::int64_t* value) {
  const auto found = Of(connection).numbers.find(id);
  if (found == Of(connection).numbers.end()) return WEIR_ERROR;
  *value = found->second;
  return WEIR_OK;
}

std::int32_t Metadata(weir_connection* connection, weir_view space, weir_view key,
                      weir_view* value) {
  const auto& notes = Of(connection).metadata;
  const auto found = notes.find({std::string(Text(space)), std::string(Text(key))});
  if (found == notes.end()) return WEIR_ERROR;
  *value = View(found->second);
  return WEIR_OK;
}

std::int32_t SetMetadata(weir_connection* connection, weir_view space, weir_view key,
                         weir_view value) {
  Of(connection).metadata[{std::string(Text(space)), std::string(Text(key))}] = Text(value);
  return WEIR_OK;
}

}  // namespace

FakeConnection::FakeConnection() : id(NextId()), worker(World().worker) {
  Living()[id] = this;
}

void FakeConnection::End() {
  Living().erase(id);
}

FakeConnection* FakeConnection::FromTicket(weir_ticket ticket) {
  const auto found = Living().find(ticket.value[0]);
  return found == Living().end() ? nullptr : found->second;
}

const weir_network_api* FakeNetworkApi() {
  static const weir_network_api api = [] {
    weir_network_api table{};
    table.struct_size = sizeof table;
    table.data_size = DataSize;
    table.data_piece = DataPiece;
    table.drain = Drain;
    table.write = Write;
    table.write_received = WriteReceived;
    table.close = Close;
    table.write_pending = WritePending;
    table.ticket = ConnectionTicket;
    table.resume = ConnectionResume;
    table.attribute = Attribute;
    table.number = Number;
    table.metadata = Metadata;
    return table;
  }();
  return &api;
}

const weir_listener_api* FakeListenerApi() {
  static const weir_listener_api api = [] {
    weir_listener_api table{};
    table.struct_size = sizeof table;
    table.attribute = Attribute;
    table.set_attribute = SetAttribute;
    table.metadata = Metadata;
    table.set_metadata = SetMetadata;
    return table;
  }();
  return &api;
}

}  // namespace weir::kit
