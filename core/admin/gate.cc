#include "core/admin/gate.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace weir::admin {
namespace {

bool IsLoopback(const config::Address& address) {
  using Kind = config::Address::Kind;
  if (address.kind == Kind::kIpv4) return address.ip[0] == 127;
  if (address.kind != Kind::kIpv6) return false;
  const std::array<uint8_t, 16> one = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address.ip == one;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Without the port, and an IPv6 address without its brackets.
std::string_view HostOf(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Whether a browser sends the request for a page that is not ours. What is no browser sends
// neither field.
bool FromElsewhere(const Request& request) {
  const std::string& site = request.fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  if (request.origin.empty()) return false;
  const std::string origin = Lower(request.origin);
  const std::string authority = Lower(request.authority);
  return origin != "http://" + authority && origin != "https://" + authority;
}

Reply Refuse405(std::string_view allow) {
  Reply reply = Answer(405, "this page answers " + std::string(allow) + "\n");
  reply.allow = allow;
  return reply;
}

}  // namespace

std::string_view PathOf(std::string_view target) {
  return target.substr(0, target.find('?'));
}

std::string_view QueryOf(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

Gate::Gate(const config::Admin& admin)
    : loopback_(IsLoopback(admin.address)),
      allow_mutations_(admin.allow_mutations),
      needs_token_(!admin.token.empty()),
      token_(DigestOf(admin.token)) {}

Gate::Digest Gate::DigestOf(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

bool Gate::HostIsOurs(const std::string& authority) const {
  if (!loopback_) return true;
  const std::string host = Lower(HostOf(authority));
  return host == "localhost" || EndsWith(host, ".localhost") ||
         config::ParseIp(host, 0).has_value();
}

// Digests are compared: neither how far two tokens agree nor how long they are shows in the time.
bool Gate::HasToken(const std::string& authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  if (Lower(std::string_view(authorization).substr(0, kScheme.size())) != kScheme) return false;
  const size_t begin = authorization.find_first_not_of(' ', kScheme.size());
  const std::string_view token = begin == std::string::npos
                                     ? std::string_view{}
                                     : std::string_view(authorization).substr(begin);
  const Digest digest = DigestOf(token);
  return CRYPTO_memcmp(digest.data(), token_.data(), digest.size()) == 0;
}

const Page* Gate::Check(const Request& request, Reply* refusal) const {
  const auto refuse = [refusal](Reply reply) -> const Page* {
    *refusal = std::move(reply);
    return nullptr;
  };
  if (!HostIsOurs(request.authority)) {
    return refuse(
        Answer(403, "this listener is for this machine: ask localhost or an IP address\n"));
  }
  const Page* page = FindPage(PathOf(request.target));
  if (page == nullptr) return refuse(Answer(404, "no such page\n\n" + HelpText()));
  const bool acts = page->kind == Page::Kind::kAct;
  const bool shows = request.method == "GET" || request.method == "HEAD";
  if (acts ? request.method != "POST" : !shows)
    return refuse(Refuse405(acts ? "POST" : "GET, HEAD"));
  if (needs_token_ && !page->open && !HasToken(request.authorization)) {
    Reply reply = Answer(401, "this page needs the token: authorization: Bearer TOKEN\n");
    reply.challenge = "Bearer realm=\"weir admin\"";
    return refuse(std::move(reply));
  }
  if (acts && FromElsewhere(request))
    return refuse(Answer(403, "orders are not taken from another site's page\n"));
  if (acts && !allow_mutations_) {
    return refuse(
        Answer(403, "this listener only shows: orders need allow_mutations: true in admin\n"));
  }
  return page;
}

}  // namespace weir::admin
