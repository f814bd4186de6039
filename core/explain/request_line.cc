#include "core/explain/request_line.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/config/diagnostics.h"
#include "plugins/abi/tokens.h"
#include "plugins/util/token.h"

namespace weir::explain {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class T>
bool ReadNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// "host", "host:80", "[::1]:80".
bool ReadHost(std::string_view authority, Request* out) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (colon != authority.npos) {
    if (!ReadNumber(authority.substr(colon + 1), &out->port) || out->port == 0) return false;
    out->port_given = true;
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out->host = Lower(host);
  return !host.empty();
}

std::string ReadUrl(std::string_view url, Request* out, std::vector<std::string>* notes) {
  const std::string lower = Lower(url.substr(0, 8));
  out->scheme = lower == "https://" ? "https" : lower.starts_with("http://") ? "http" : "";
  if (out->scheme.empty())
    return config::Quote(url) + " is no URL; expected https://host/path, or a /path";
  url.remove_prefix(out->scheme.size() + 3);
  const size_t end = url.find_first_of("/?#");
  std::string_view authority = url.substr(0, end);
  std::string_view target = end == url.npos ? "" : url.substr(end);
  if (const size_t at = authority.rfind('@'); at != authority.npos) {
    notes->push_back("a client does not send the name and password before '@' in the URL's host");
    authority.remove_prefix(at + 1);
  }
  if (const size_t fragment = target.find('#'); fragment != target.npos) {
    notes->push_back("a client does not send the fragment " +
                     config::Quote(target.substr(fragment)));
    target = target.substr(0, fragment);
  }
  out->target = (target.starts_with('/') ? "" : "/") + std::string(target);
  if (!ReadHost(authority, out))
    return config::Quote(authority) + " is no host; expected host or host:port";
  const uint16_t usual = out->scheme == "https" ? 443 : 80;
  // Clients leave the scheme's own port out.
  out->authority = out->port_given && out->port == usual
                       ? std::string(authority.substr(0, authority.rfind(':')))
                       : std::string(authority);
  if (!out->port_given) out->port = usual;
  return "";
}

std::string ReadTarget(const std::string& text, Request* out, std::vector<std::string>* notes) {
  out->url = text;
  if (out->method == "CONNECT") {
    out->tunnel = true;
    if (!ReadHost(text, out) || !out->port_given)
      return config::Quote(text) + " is no target of a CONNECT; expected host:port";
    out->authority = text;
    return "";
  }
  if (text.starts_with('/') || text == "*") {
    out->target = text;
    return "";
  }
  return ReadUrl(text, out, notes);
}

std::string AddField(std::string_view header, Request* out, std::vector<std::string>* notes) {
  const size_t colon = header.find(':');
  const std::string name = Lower(Trim(header.substr(0, colon)));
  if (colon == header.npos || name.empty())
    return config::Quote(header) + " is no header; expected 'name: value'";
  const std::string value(Trim(header.substr(colon + 1)));
  switch (util::FindToken(name.data(), name.size())) {
    case WEIR_TOKEN_HOST:
      out->authority = value;
      return "";
    case WEIR_TOKEN_CONTENT_LENGTH:
      out->has_length = true;
      return ReadNumber(value, &out->content_length) ? "" : config::Quote(value) + " is no length";
    case WEIR_TOKEN_UPGRADE:
      out->protocol = Lower(value);
      out->tunnel = true;
      return "";
    default:
      break;
  }
  const uint16_t token = util::FindToken(name.data(), name.size());
  if (token != 0 && token <= WEIR_TOKEN_HTTP2_SETTINGS) {
    notes->push_back("the field " + name + " belongs to the connection; no route sees it");
    return "";
  }
  out->fields.emplace_back(name, value);
  return "";
}

bool IsMethod(std::string_view text) {
  return !text.empty() && text.find_first_of("/: ") == text.npos;
}

}  // namespace

std::string ReadRequest(const std::vector<std::string>& words,
                        const std::vector<std::string>& headers, Request* out,
                        std::vector<std::string>* notes) {
  if (words.empty() || words.size() > 2) return "expected [METHOD] URL";
  if (words.size() == 2) {
    if (!IsMethod(words[0])) return config::Quote(words[0]) + " is no method; expected GET, POST …";
    out->method = words[0];
  }
  std::string mistake = ReadTarget(words.back(), out, notes);
  for (const std::string& header : headers) {
    if (mistake.empty()) mistake = AddField(header, out, notes);
  }
  return mistake;
}

}  // namespace weir::explain
