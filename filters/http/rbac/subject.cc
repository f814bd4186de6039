#include "filters/http/rbac/subject.h"

#include <stdexcept>

#include "plugins/sdk/view.h"

namespace weir::filters::rbac {

using sdk::Text;
using sdk::View;

namespace {

// A host that cannot say it: "no" would let pass what a DENY policy is there for. The exception
// fails the hook, which closes the connection or answers the request with 500.
[[noreturn]] void FailClosed() {
  throw std::runtime_error("this host does not tell what a rule asks for");
}

}  // namespace

std::string_view Subject::Attribute(std::uint32_t id) const {
  weir_view value{};
  const std::int32_t status = http_ != nullptr ? http_->attribute(stream_, id, &value)
                                               : network_->attribute(connection_, id, &value);
  return status == WEIR_OK ? Text(value) : std::string_view();
}

const util::IpPort* Subject::address(Address which) const {
  Cached& cached = addresses_[static_cast<std::size_t>(which)];
  if (!cached.read) {
    constexpr std::uint32_t kIds[] = {WEIR_ATTR_DIRECT_ADDRESS, WEIR_ATTR_DOWNSTREAM_ADDRESS,
                                      WEIR_ATTR_LOCAL_ADDRESS};
    cached.value = util::ParseIpPort(Attribute(kIds[static_cast<std::size_t>(which)]));
    cached.read = true;
  }
  return cached.value ? &*cached.value : nullptr;
}

bool Subject::Verified() const {
  std::int64_t value = 0;
  std::int32_t status = WEIR_ERROR;
  if (http_ != nullptr) {
    if (!WEIR_HAS(http_, number)) FailClosed();
    status = http_->number(stream_, WEIR_NUMBER_PEER_VERIFIED, &value);
  } else {
    if (!WEIR_HAS(network_, number)) FailClosed();
    status = network_->number(connection_, WEIR_NUMBER_PEER_VERIFIED, &value);
  }
  return status == WEIR_OK && value == 1;
}

std::optional<std::string_view> Subject::Metadata(std::string_view space,
                                                  std::string_view key) const {
  weir_view value{};
  std::int32_t status = WEIR_ERROR;
  if (http_ != nullptr) {
    if (!WEIR_HAS(http_, metadata)) FailClosed();
    status = http_->metadata(stream_, View(space), View(key), &value);
  } else {
    if (!WEIR_HAS(network_, metadata)) FailClosed();
    status = network_->metadata(connection_, View(space), View(key), &value);
  }
  if (status != WEIR_OK) return std::nullopt;
  return Text(value);
}

std::string_view Subject::path() const {
  weir_view value{};
  if (http_ == nullptr || http_->get_start(stream_, View(":path"), &value) != WEIR_OK) return {};
  const std::string_view path = Text(value);
  return path.substr(0, path.find('?'));
}

}  // namespace weir::filters::rbac
