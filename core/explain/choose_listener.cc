#include "core/explain/choose_listener.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/config/diagnostics.h"

namespace weir::explain {
namespace {

bool IsHttp(const config::Listener& listener) {
  return listener.filter_chains.front().filters.back().http != nullptr;
}

std::string_view SchemeOf(const config::Listener& listener) {
  return listener.filter_chains.front().tls == nullptr ? "http" : "https";
}

bool IsAny(const config::Address& address) {
  return std::all_of(address.ip.begin(), address.ip.end(), [](uint8_t byte) { return byte == 0; });
}

// Everything but the port.
std::string WhyNot(const config::Listener& listener, const Request& request) {
  const config::Address& address = listener.address;
  if (address.kind == config::Address::Kind::kUnix) return "is a Unix socket: no URL names it";
  if (SchemeOf(listener) != request.scheme)
    return request.scheme == "https" ? "has no TLS, and the URL is https"
                                     : "has TLS, and the URL is http";
  const auto wanted = config::ParseIp(request.host, address.port);
  if (wanted && !IsAny(address) && (wanted->kind != address.kind || wanted->ip != address.ip))
    return "listens at another address";
  return "";
}

std::string OtherPort(const config::Listener& listener, const Request& request) {
  return "has port " + std::to_string(listener.address.port) + ", the URL " +
         std::to_string(request.port);
}

std::string Names(const std::vector<ListenerStep*>& steps) {
  std::string text;
  for (const ListenerStep* step : steps) text += (text.empty() ? "" : ", ") + step->listener->name;
  return text;
}

void Choose(ListenerStep* step, Explanation* out) {
  step->chosen = true;
  step->why.clear();
  out->listener = step->listener;
}

std::string ByName(const std::string& name, Explanation* out) {
  std::vector<std::string_view> names;
  for (ListenerStep& step : out->listeners) {
    names.push_back(step.listener->name);
    if (step.listener->name == name) {
      Choose(&step, out);
    } else {
      step.why = "--listener names another";
    }
  }
  if (out->listener != nullptr) return "";
  const std::string nearest = config::NearestName(name, names);
  return "there is no listener " + config::Quote(name) +
         (nearest.empty() ? "" : "; did you mean " + config::Quote(nearest) + "?");
}

std::string ByPath(Explanation* out) {
  std::vector<ListenerStep*> open;
  for (ListenerStep& step : out->listeners) {
    if (IsHttp(*step.listener))
      open.push_back(&step);
    else
      step.why = "speaks no HTTP";
  }
  if (open.size() == 1) Choose(open.front(), out);
  return open.size() > 1 ? "a path alone is taken by several listeners; choose one with "
                           "--listener: " +
                               Names(open)
                         : "";
}

std::string ByUrl(Explanation* out) {
  const Request& request = out->request;
  std::vector<ListenerStep*> same_port;
  std::vector<ListenerStep*> others;
  for (ListenerStep& step : out->listeners) {
    step.why = WhyNot(*step.listener, request);
    if (!step.why.empty()) continue;
    const bool same = step.listener->address.port == request.port;
    if (!same) step.why = OtherPort(*step.listener, request);
    (same ? same_port : others).push_back(&step);
  }
  if (same_port.size() > 1)
    return "several listeners have port " + std::to_string(request.port) +
           "; choose one with --listener: " + Names(same_port);
  if (same_port.size() == 1) {
    Choose(same_port.front(), out);
  } else if (others.size() == 1 && !request.port_given) {
    Choose(others.front(), out);
    out->notes.push_back("no listener has port " + std::to_string(request.port) + "; " +
                         out->listener->name + " is taken, the only one for " + request.scheme +
                         ", as something before it may map the port");
  } else if (others.size() > 1 && !request.port_given) {
    return "no listener has port " + std::to_string(request.port) +
           "; give the URL a port, or choose one with --listener: " + Names(others);
  }
  return "";
}

}  // namespace

std::string ChooseListener(const config::Bootstrap& bootstrap, const std::string& name,
                           Explanation* out) {
  for (const config::Listener& listener : bootstrap.listeners)
    out->listeners.push_back({&listener, false, ""});
  if (name.empty()) return out->request.scheme.empty() ? ByPath(out) : ByUrl(out);
  std::string mistake = ByName(name, out);
  if (!mistake.empty() || out->request.scheme.empty()) return mistake;
  const std::string_view scheme = SchemeOf(*out->listener);
  if (scheme != out->request.scheme)
    out->notes.push_back("the URL is " + out->request.scheme + ", the listener speaks " +
                         std::string(scheme) + ": something before it must " +
                         (scheme == "http" ? "end the TLS" : "begin TLS"));
  return "";
}

}  // namespace weir::explain
