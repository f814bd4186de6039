#include "core/server/plugin_list.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string_view>

#include <openssl/evp.h>

#include "plugins/loader/descriptor_check.h"

namespace weir::server {
namespace {

struct Column {
  const char* key;
  const char* title;
  std::string PluginRow::*member;
};
constexpr Column kColumns[] = {
    {"name", "NAME", &PluginRow::name},        {"kind", "KIND", &PluginRow::kind},
    {"plugin", "PLUGIN", &PluginRow::plugin},  {"version", "VERSION", &PluginRow::version},
    {"abi", "ABI", &PluginRow::abi},           {"path", "PATH", &PluginRow::path},
    {"sha256", "SHA-256", &PluginRow::sha256},
};

std::string FileDigest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  if (!file || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) return "-";
  std::array<char, 65536> piece;
  while (file) {
    file.read(piece.data(), piece.size());
    EVP_DigestUpdate(digest.get(), piece.data(), static_cast<size_t>(file.gcount()));
  }
  if (file.bad()) return "-";
  std::array<uint8_t, 32> bytes;
  if (EVP_DigestFinal_ex(digest.get(), bytes.data(), nullptr) != 1) return "-";
  std::string text;
  for (const uint8_t byte : bytes) {
    char hex[3];
    std::snprintf(hex, sizeof(hex), "%02x", byte);
    text += hex;
  }
  return text;
}

// Nothing that stands in a file may steer a terminal.
std::string Shown(std::string_view text) {
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) == 0x7f; },
      '?');
  return shown;
}

// RFC 8259 section 7.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      char escape[7];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

std::vector<PluginRow> ListPlugins(const plugins::PluginLoader& loader) {
  std::vector<PluginRow> rows;
  for (const plugins::Plugin* plugin : loader.plugins()) {
    const weir_plugin_descriptor& descriptor = *plugin->descriptor;
    const std::string abi = plugins::AbiVersion(descriptor.abi_major, descriptor.abi_minor);
    const std::string digest = FileDigest(plugin->path);
    for (uint32_t i = 0; i < descriptor.extension_count; ++i) {
      const weir_extension& extension = descriptor.extensions[i];
      rows.push_back({extension.name, plugins::KindName(extension.kind), plugin->name,
                      plugin->version, abi, plugin->path, digest});
    }
  }
  return rows;
}

std::string PluginTable(const std::vector<PluginRow>& rows) {
  std::vector<std::string> lines(rows.size() + 1);
  for (const Column& column : kColumns) {
    size_t width = std::string_view(column.title).size();
    for (const PluginRow& row : rows) width = std::max(width, (row.*column.member).size());
    for (size_t i = 0; i < lines.size(); ++i) {
      std::string cell = i == 0 ? column.title : Shown(rows[i - 1].*column.member);
      if (&column != std::end(kColumns) - 1) cell.resize(width + 2, ' ');
      lines[i] += cell;
    }
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string PluginJson(const std::vector<PluginRow>& rows) {
  std::string text = "[";
  for (const PluginRow& row : rows) {
    text += &row == rows.data() ? "\n" : ",\n";
    const char* before = "  {";
    for (const Column& column : kColumns) {
      text += before + Quoted(column.key) + ": " + Quoted(row.*column.member);
      before = ", ";
    }
    text += "}";
  }
  return text + (rows.empty() ? "]\n" : "\n]\n");
}

}  // namespace weir::server
