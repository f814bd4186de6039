#include "filters/http/local_ratelimit/actions.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <arpa/inet.h>

#include "plugins/sdk/field_rules.h"
#include "plugins/util/ip_address.h"

namespace weir::filters::ratelimit {
namespace {

using sdk::ConfigNode;

// "10.0.0.0/8" at `room`, which holds 64 bytes.
std::string_view Print(const util::IpAddress& ip, unsigned bits, char* room) {
  const util::IpAddress prefix = ip.Prefix(bits);
  unsigned char bytes[16];
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(prefix.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<unsigned char>(prefix.low >> (56 - 8 * i));
  }
  if (inet_ntop(ip.v6 ? AF_INET6 : AF_INET, bytes, room, INET6_ADDRSTRLEN) == nullptr) return {};
  char* at = std::find(room, room + INET6_ADDRSTRLEN, '\0');
  *at++ = '/';
  at = std::to_chars(at, room + 64, bits).ptr;
  return {room, static_cast<std::size_t>(at - room)};
}

// Reads a string that must be there and not be empty.
bool ReadText(const ConfigNode& node, const char* key, std::string* out) {
  const ConfigNode value = node.Get(key);
  if (!value) return node.Fail(std::string("needs ") + key);
  return value.Read(out) && (!out->empty() || value.Fail(std::string(key) + " is empty"));
}

bool ReadKey(const ConfigNode& node, const char* otherwise, std::string* out) {
  *out = otherwise;
  return !node.Get("descriptor_key") || ReadText(node, "descriptor_key", out);
}

bool ReadBool(const ConfigNode& node, const char* key, bool* out) {
  const ConfigNode value = node.Get(key);
  return !value || value.Read(out);
}

}  // namespace

bool Action::LoadHeaderMatch(const ConfigNode& node) {
  bool ok = ReadKey(node, "header_match", &key_);
  ok = ReadText(node, "descriptor_value", &value_) && ok;
  ok = ReadBool(node, "expect_match", &expect_match_) && ok;
  const ConfigNode headers = node.Get("headers");
  ok = LoadHeaderMatchers(headers, "headers", &headers_) && ok;
  return ok && (!headers_.empty() || node.Fail("header_value_match needs headers"));
}

bool Action::LoadMask(const ConfigNode& node) {
  key_ = "masked_remote_address";
  bool ok = true;
  if (const ConfigNode bits = node.Get("v4_prefix_mask_len"))
    ok = bits.Read(0, 32, &v4_bits_) && ok;
  if (const ConfigNode bits = node.Get("v6_prefix_mask_len")) {
    ok = bits.Read(0, 128, &v6_bits_) && ok;
  }
  return ok;
}

bool Action::LoadKind(Kind kind, const ConfigNode& node) {
  kind_ = kind;
  const bool bare = kind == Kind::kRemoteAddress || kind == Kind::kDestinationCluster;
  if (!(bare && node.IsNull()) && !node.ExpectMap("an action")) return false;
  switch (kind) {
    case Kind::kGenericKey:
      return ReadKey(node, "generic_key", &key_) && ReadText(node, "descriptor_value", &value_);
    case Kind::kRequestHeaders:
      if (!ReadText(node, "header_name", &value_) || !ReadText(node, "descriptor_key", &key_)) {
        return false;
      }
      sdk::LowerCase(&value_);
      return ReadBool(node, "skip_if_absent", &skip_if_absent_);
    case Kind::kRemoteAddress:
      key_ = "remote_address";
      return true;
    case Kind::kMaskedAddress:
      return LoadMask(node);
    case Kind::kDestinationCluster:
      key_ = "destination_cluster";
      return true;
    case Kind::kHeaderValueMatch:
      return LoadHeaderMatch(node);
  }
  return false;
}

bool Action::Load(const ConfigNode& node) {
  constexpr std::pair<const char*, Kind> kKinds[] = {
      {"generic_key", Kind::kGenericKey},
      {"request_headers", Kind::kRequestHeaders},
      {"remote_address", Kind::kRemoteAddress},
      {"masked_remote_address", Kind::kMaskedAddress},
      {"destination_cluster", Kind::kDestinationCluster},
      {"header_value_match", Kind::kHeaderValueMatch}};
  if (!node.ExpectMap("an action")) return false;
  bool ok = true;
  for (const char* key : {"source_cluster", "dynamic_metadata", "metadata", "extension",
                          "query_parameters", "query_parameter_value_match"}) {
    ok = node.Refuse(key, "is not available") && ok;
  }
  int found = 0;
  for (const auto& [key, kind] : kKinds) {
    const ConfigNode value = node.Get(key);
    if (!value) continue;
    ++found;
    ok = LoadKind(kind, value) && ok;
  }
  return ok &&
         (found == 1 || node.Fail("an action is exactly one of generic_key, request_headers, "
                                  "remote_address, masked_remote_address, destination_cluster, "
                                  "header_value_match"));
}

std::string_view Action::AddressOf(const sdk::HttpStream& stream, Descriptor* descriptor) const {
  const std::string_view text = stream.Attribute(WEIR_ATTR_DOWNSTREAM_ADDRESS);
  const auto client = util::ParseIpPort(text);
  if (!client) return {};
  // Printed anew, so that one address has one text.
  const bool v6 = client->ip.v6;
  if (kind_ == Kind::kMaskedAddress) {
    return Print(client->ip, static_cast<unsigned>(v6 ? v6_bits_ : v4_bits_), descriptor->address);
  }
  const std::string_view whole = Print(client->ip, client->ip.bits(), descriptor->address);
  return whole.substr(0, whole.find('/'));
}

Action::Result Action::AddTo(const sdk::HttpStream& stream, Descriptor* descriptor) const {
  std::string_view value = value_;
  switch (kind_) {
    case Kind::kGenericKey:
      break;
    case Kind::kRequestHeaders: {
      const bool start = value_.front() == ':';
      weir_view text{};
      const auto field = start ? std::nullopt : stream.request().Find(value_);
      if (field) {
        value = *field;
      } else if (start &&
                 stream.api()->get_start(stream.handle(), sdk::View(value_), &text) == WEIR_OK) {
        value = sdk::Text(text);
      } else {
        return skip_if_absent_ ? Result::kNothing : Result::kGivesUp;
      }
      break;
    }
    case Kind::kRemoteAddress:
    case Kind::kMaskedAddress:
      value = AddressOf(stream, descriptor);
      break;
    case Kind::kDestinationCluster:
      value = stream.Attribute(WEIR_ATTR_CLUSTER);
      break;
    case Kind::kHeaderValueMatch:
      if (AllMatch(headers_, *stream.api(), stream.handle()) != expect_match_) {
        return Result::kGivesUp;
      }
      break;
  }
  if (value.empty() && kind_ != Kind::kRequestHeaders) return Result::kGivesUp;
  descriptor->entries[descriptor->count++] = {key_, value};
  return Result::kAdded;
}

bool Actions::Load(const ConfigNode& node) {
  if (!node.ExpectMap("an item of rate_limits")) return false;
  bool ok = true;
  for (const char* key : {"disable_key", "limit", "hits_addend", "apply_on_stream_done"}) {
    ok = node.Refuse(key, "is not available") && ok;
  }
  if (const ConfigNode stage = node.Get("stage")) {
    std::int64_t zero = 0;
    ok = stage.Read(0, 0, &zero) && ok;
  }
  const ConfigNode list = node.Get("actions");
  if (!list) return node.Fail("needs actions");
  if (!list.ExpectList("actions")) return false;
  if (list.size() == 0 || list.size() > kMaxActions) return list.Fail("1 to 10 actions");
  int addresses = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    ok = actions_.emplace_back().Load(list.At(i)) && ok;
    addresses += actions_.back().is_address() ? 1 : 0;
  }
  return ok && (addresses <= 1 || list.Fail("one action at most is about the remote address"));
}

bool Actions::Make(const sdk::HttpStream& stream, Descriptor* descriptor) const {
  descriptor->count = 0;
  for (const Action& action : actions_) {
    if (action.AddTo(stream, descriptor) == Action::Result::kGivesUp) return false;
  }
  return descriptor->count > 0;
}

}  // namespace weir::filters::ratelimit
