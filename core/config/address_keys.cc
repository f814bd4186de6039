#include "core/config/tables.h"

namespace weir::config {
namespace {

struct SocketAddress {
  std::string address;
  std::uint32_t port = 0;
  bool ipv4_compat = false;
};

struct Pipe {
  std::string path;
  std::uint32_t mode = 0;
};

enum class Protocol { kTcp };
struct ProtocolHolder : SocketAddress {
  Protocol protocol = Protocol::kTcp;
};

const Keys<ProtocolHolder>& SocketAddressKeys() {
  static const Keys<ProtocolHolder> keys = {
      EnumKey<ProtocolHolder, Protocol>("protocol", &ProtocolHolder::protocol,
                                        {{"TCP", Protocol::kTcp}}, {"UDP"}, "TCP only."),
      CustomKey<ProtocolHolder>(
          "address", "string",
          [](Context& c, const Field& f, ProtocolHolder* s) { ReadText(c, f, &s->address); },
          nullptr, "An IP address; a host name in endpoints only.")
          .Required(),
      CustomKey<ProtocolHolder>(
          "port_value", "integer",
          [](Context& c, const Field& f, ProtocolHolder* s) { ReadInt(c, f, 0, 65535, &s->port); },
          nullptr, "The port.")
          .Required(),
      CustomKey<ProtocolHolder>(
          "ipv4_compat", "boolean",
          [](Context& c, const Field& f, ProtocolHolder* s) { ReadBool(c, f, &s->ipv4_compat); },
          nullptr, "An IPv6 listener takes IPv4 connections too."),
      MissingKey<ProtocolHolder>("named_port", "ports by name"),
      MissingKey<ProtocolHolder>("resolver_name", "resolvers by name"),
      MissingKey<ProtocolHolder>("network_namespace_filepath", "network namespaces"),
  };
  return keys;
}

// Octal with a leading zero, as everyone writes modes; otherwise decimal, as Envoy's number is.
void ReadMode(Context& c, const Field& field, std::uint32_t* out) {
  const std::string& text = field.node().text();
  std::uint32_t value = 0;
  const std::uint32_t base = text.size() > 1 && text[0] == '0' ? 8 : 10;
  bool good = field.node().is_scalar() && !text.empty() && text.size() <= 5;
  for (const char ch : text) {
    if (ch < '0' || static_cast<std::uint32_t>(ch - '0') >= base) good = false;
    if (good) value = value * base + static_cast<std::uint32_t>(ch - '0');
  }
  if (!good || value > 0777) return c.AddExpected(field, "a file mode from 0 to 0777");
  *out = value;
}

const Keys<Pipe>& PipeKeys() {
  static const Keys<Pipe> keys = {
      TextKey("path", &Pipe::path, "The socket's path; a leading @ makes it abstract.").Required(),
      CustomKey<Pipe>(
          "mode", "file mode",
          [](Context& c, const Field& f, Pipe* p) { ReadMode(c, f, &p->mode); }, nullptr,
          "Permissions of a listener's socket file."),
  };
  return keys;
}

std::optional<AddressText> ReadSocketAddress(Context& c, const Field& field, bool* ipv4_compat) {
  const std::size_t before = c.diagnostics().count();
  ProtocolHolder socket;
  ReadMap(c, field, SocketAddressKeys(), &socket);
  if (c.diagnostics().count() != before) return std::nullopt;
  if (ipv4_compat != nullptr) *ipv4_compat = socket.ipv4_compat;
  AddressText text;
  text.port = static_cast<std::uint16_t>(socket.port);
  text.literal = ParseIp(socket.address, text.port);
  if (text.literal) return text;
  if (!IsHostName(socket.address)) {
    const std::shared_ptr<const Node> node = field.node().FindShared("address");
    c.AddExpected({"address", node->mark(), node}, "an IP address or a host name");
    return std::nullopt;
  }
  text.host = socket.address;
  return text;
}

std::optional<AddressText> ReadPipe(Context& c, const Field& field) {
  const std::size_t before = c.diagnostics().count();
  Pipe pipe;
  ReadMap(c, field, PipeKeys(), &pipe);
  if (c.diagnostics().count() != before) return std::nullopt;
  std::string expected;
  auto text = ParseAddress("unix:" + pipe.path, &expected);
  if (!text) {
    const std::shared_ptr<const Node> node = field.node().FindShared("path");
    c.AddExpected({"path", node->mark(), node}, "a socket path of 1 to 107 bytes");
    return std::nullopt;
  }
  text->literal->mode = pipe.mode;
  return text;
}

}  // namespace

std::optional<AddressText> ReadAddressText(Context& c, const Field& field, bool* ipv4_compat) {
  const Node& node = field.node();
  if (node.is_scalar()) {
    std::string expected;
    auto text = ParseAddress(node.text(), &expected);
    if (!text) c.AddExpected(field, expected);
    return text;
  }
  if (!node.is_map()) {
    c.AddExpected(field, "an address such as 127.0.0.1:8080, or socket_address or pipe");
    return std::nullopt;
  }
  const std::string_view kind = CheckOneOf(c, field, {"socket_address", "pipe"}, true);
  std::optional<AddressText> text;
  for (const Node::Entry& entry : node.entries()) {
    entry.read = true;
    if (entry.key == "envoy_internal_address") {
      ReadMissing(c, EntryField(entry), "internal listeners", "");
    } else if (entry.key != "socket_address" && entry.key != "pipe") {
      AddUnknownKey(c, entry, field.key, {"socket_address", "pipe"});
    } else if (entry.key == kind) {
      text = kind == "pipe" ? ReadPipe(c, EntryField(entry))
                            : ReadSocketAddress(c, EntryField(entry), ipv4_compat);
    }
  }
  return text;
}

void ReadLiteralAddress(Context& c, const Field& field, Address* out, bool* ipv4_compat) {
  const auto text = ReadAddressText(c, field, ipv4_compat);
  if (!text) return;
  if (text->literal) {
    *out = *text->literal;
    return;
  }
  c.Add(field.node().mark(), std::string(field.key) + " is the host name " + Quote(text->host),
        "an IP address or a Unix socket here");
}

std::shared_ptr<const Node> PrintHostAndPort(const std::string& host, std::uint16_t port) {
  return PrintMap({{"socket_address",
                    PrintMap({{"address", PrintText(host)}, {"port_value", PrintInt(port)}})}});
}

std::shared_ptr<const Node> PrintAddress(const Address& address, bool ipv4_compat) {
  if (address.kind == Address::Kind::kUnix) {
    std::shared_ptr<const Node> mode;
    if (address.mode != 0) {
      const char digits[] = {'0', static_cast<char>('0' + (address.mode >> 6 & 7)),
                             static_cast<char>('0' + (address.mode >> 3 & 7)),
                             static_cast<char>('0' + (address.mode & 7)), '\0'};
      mode = PrintText(digits);
    }
    return PrintMap({{"pipe", PrintMap({{"path", PrintText(address.path)}, {"mode", mode}})}});
  }
  std::string host = address.ToString();
  host.resize(host.rfind(':'));
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  return PrintMap(
      {{"socket_address", PrintMap({{"address", PrintText(host)},
                                    {"port_value", PrintInt(address.port)},
                                    {"ipv4_compat", ipv4_compat ? PrintBool(true) : nullptr}})}});
}

}  // namespace weir::config
