#include "core/observe/dashboard/dashboard_page.h"

#include <array>
#include <cstdint>

#include <openssl/evp.h>

namespace weir::observe {
namespace {

#include "core/observe/dashboard/document.inc"
#include "core/observe/dashboard/script.inc"
#include "core/observe/dashboard/style.inc"

std::string Base64Digest(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return "";  // the policy then lets nothing run
  std::array<unsigned char, EVP_MAX_MD_SIZE * 2> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return std::string(reinterpret_cast<const char*>(base64.data()), static_cast<size_t>(length));
}

void Replace(std::string_view mark, std::string_view text, std::string* page) {
  const size_t at = page->find(mark);
  if (at != std::string::npos) page->replace(at, mark.size(), text);
}

std::string MakePage() {
  std::string page(kDocument);
  Replace("@STYLE@", kStyle, &page);
  Replace("@SCRIPT@", kScript, &page);
  return page;
}

std::string MakePolicy() {
  return "default-src 'none'; script-src 'sha256-" + Base64Digest(kScript) +
         "'; style-src 'sha256-" + Base64Digest(kStyle) +
         "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

}  // namespace

std::string_view DashboardPage() {
  static const std::string page = MakePage();
  return page;
}

std::string_view DashboardPolicy() {
  static const std::string policy = MakePolicy();
  return policy;
}

}  // namespace weir::observe
