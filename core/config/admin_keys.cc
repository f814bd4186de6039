#include <algorithm>

#include "core/config/tables.h"

namespace weir::config {
namespace {

using A = Admin;

// A shorter one is guessed.
constexpr std::size_t kLeastToken = 16;
constexpr std::size_t kLongestToken = 4096;
// What stands in the place of a token that the file holds: it is written nowhere, and none itself.
constexpr const char* kNotShown = "[not shown]";

bool IsLoopback(const Address& address) {
  if (address.kind == Address::Kind::kUnix) return true;
  if (address.kind == Address::Kind::kIpv4) return address.ip[0] == 127;
  std::array<std::uint8_t, 16> one{};
  one[15] = 1;
  return address.ip == one;
}

void ReadToken(Context& c, const Field& field, A* out) {
  std::string token;
  const std::size_t before = c.diagnostics().count();
  ReadDataSource(c, field, &token);
  if (c.diagnostics().count() != before) return;
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool visible =
      std::all_of(token.begin(), token.end(), [](char b) { return b > 0x20 && b < 0x7f; });
  if (token.size() < kLeastToken || token.size() > kLongestToken || !visible) {
    // What was found is not quoted: it may be a part of a secret.
    c.Add(field.node().mark(), "token is not one", "16 to 4096 bytes of visible ASCII");
    return;
  }
  out->token = std::move(token);
}

Key<A> AddressRow() {
  return CustomKey<A>(
      "address", "address",
      [](Context& c, const Field& f, A* a) { ReadLiteralAddress(c, f, &a->address, nullptr); },
      [](const A& a) { return PrintAddress(a.address, false); },
      "Default 127.0.0.1:9901. What it shows is for operators: an address that others reach wants "
      "a "
      "token, or a network that only they are in.");
}

Address DefaultAddress() {
  return *ParseIp("127.0.0.1", 9901);
}

}  // namespace

const Keys<Admin>& AdminKeys() {
  static const Keys<A> keys = {
      AddressRow(),
      BoolKey("allow_mutations", &A::allow_mutations,
              "Orders (POST) are taken; on an address that others reach only with a token."),
      CustomKey<A>(
          "token", "data source", ReadToken,
          [](const A& a) -> std::shared_ptr<const Node> {
            return a.token.empty() ? nullptr : PrintText(kNotShown);
          },
          "What `authorization: Bearer` must carry, 16 bytes at least; `/ready`, `/healthz` and "
          "the "
          "page at `/` are without."),
      IntKey(
          "max_connections", &A::max_connections, 0, UINT32_MAX,
          "Open connections of the admin listener, beside limits.max_connections; more wait until "
          "one ends. 0: no limit.")
          .Limit("listener.*.downstream_cx_overflow"),
      MissingKey<A>("access_log", "access logs of the admin listener"),
      MissingKey<A>("access_log_path", "access logs of the admin listener", "/dev/null"),
      MissingKey<A>("profile_path", "profiles"),
      MissingKey<A>("socket_options", "socket options"),
      MissingKey<A>("allow_paths", "allowed admin paths"),
      MissingKey<A>("ignore_global_conn_limit", "an admin listener outside of the limits", "false"),
  };
  return keys;
}

void ReadAdmin(Context& c, const Field& field, Bootstrap* out) {
  Admin admin;
  admin.mark = field.key_mark;
  admin.address = DefaultAddress();
  const std::size_t before = c.diagnostics().count();
  ReadMap(c, field, AdminKeys(), &admin);
  const bool good = c.diagnostics().count() == before;
  if (good && admin.allow_mutations && admin.token.empty() && !IsLoopback(admin.address)) {
    c.Add(field.key_mark,
          "allow_mutations lets whoever reaches " + admin.address.ToString() + " give orders",
          "a token, or a loopback address");
  }
  out->admin = std::move(admin);
}

}  // namespace weir::config
