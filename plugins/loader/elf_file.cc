#include "plugins/loader/elf_file.h"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/abi/weir.h"

namespace weir::plugins {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#else
#error "name the machine of this port for the check of plugin files"
#endif

// A table larger than this is not read: the largest symbol tables of real libraries are a tenth.
constexpr std::uint64_t kMaxTable = 64u << 20;

class File {
 public:
  explicit File(const std::string& path)
      // O_NONBLOCK: opening a FIFO must not wait for its writer.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Empty when it is a regular file, and its size is known from here on.
  std::string Check() {
    if (fd_ < 0) return std::string("cannot be read: ") + std::strerror(errno);
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return std::string("cannot be read: ") + std::strerror(errno);
    if (S_ISDIR(info.st_mode)) return "is a directory, not a shared object";
    if (!S_ISREG(info.st_mode)) return "is not a regular file";
    size_ = static_cast<std::uint64_t>(info.st_size);
    return {};
  }

  std::uint64_t size() const { return size_; }

  bool Holds(std::uint64_t offset, std::uint64_t length) const {
    return offset <= size_ && length <= size_ - offset;
  }

  bool Read(std::uint64_t offset, void* out, std::uint64_t length) const {
    if (!Holds(offset, length)) return false;
    char* at = static_cast<char*>(out);
    while (length > 0) {
      const ssize_t got = ::pread(fd_, at, length, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += got;
      offset += static_cast<std::uint64_t>(got);
      length -= static_cast<std::uint64_t>(got);
    }
    return true;
  }

  template <typename T>
  bool ReadTable(std::uint64_t offset, std::uint64_t count, std::vector<T>* out) const {
    if (count > kMaxTable / sizeof(T) || !Holds(offset, count * sizeof(T))) return false;
    out->resize(count);
    return Read(offset, out->data(), count * sizeof(T));
  }

 private:
  int fd_;
  std::uint64_t size_ = 0;
};

std::string CheckHeader(const File& file, Elf64_Ehdr* header) {
  if (file.size() == 0) return "is empty";
  char magic[SELFMAG] = {};
  if (!file.Read(0, magic, sizeof magic) || std::memcmp(magic, ELFMAG, SELFMAG) != 0) {
    return "is not a shared object (no ELF header)";
  }
  if (!file.Read(0, header, sizeof *header)) return "is truncated inside its ELF header";
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != kMachine) {
    return "is built for another machine (ELF machine " + std::to_string(header->e_machine) +
           ", this process is " + std::to_string(kMachine) + ")";
  }
  if (header->e_type != ET_DYN) {
    return "is not a shared object (ELF type " + std::to_string(header->e_type) + ")";
  }
  return {};
}

std::string Truncated(const File& file, std::uint64_t offset, std::uint64_t length) {
  return "is truncated: it should hold " + std::to_string(offset + length) + " bytes and has " +
         std::to_string(file.size());
}

std::string CheckSegments(const File& file, const Elf64_Ehdr& header,
                          std::vector<Elf64_Phdr>* segments) {
  if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return "is not a shared object (no program headers)";
  }
  if (!file.ReadTable(header.e_phoff, header.e_phnum, segments)) {
    return Truncated(file, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
  }
  bool dynamic = false;
  for (const Elf64_Phdr& segment : *segments) {
    dynamic = dynamic || segment.p_type == PT_DYNAMIC;
    if (segment.p_type != PT_LOAD || file.Holds(segment.p_offset, segment.p_filesz)) continue;
    return Truncated(file, segment.p_offset, segment.p_filesz);
  }
  if (!dynamic) return "is not a shared object (no dynamic section)";
  const std::uint64_t table = std::uint64_t{header.e_shnum} * header.e_shentsize;
  if (header.e_shoff != 0 && !file.Holds(header.e_shoff, table)) {
    return Truncated(file, header.e_shoff, table);
  }
  return {};
}

// The symbol's place in the dynamic symbol table; *searched tells whether there was a table at all.
std::optional<Elf64_Sym> FindSymbol(const File& file, const Elf64_Ehdr& header,
                                    std::string_view name, bool* searched) {
  std::vector<Elf64_Shdr> sections;
  if (header.e_shoff == 0 || header.e_shentsize != sizeof(Elf64_Shdr) ||
      !file.ReadTable(header.e_shoff, header.e_shnum, &sections)) {
    return std::nullopt;
  }
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_DYNSYM || section.sh_link >= sections.size()) continue;
    const Elf64_Shdr& strings = sections[section.sh_link];
    std::vector<Elf64_Sym> symbols;
    std::vector<char> text;
    if (!file.ReadTable(section.sh_offset, section.sh_size / sizeof(Elf64_Sym), &symbols) ||
        !file.ReadTable(strings.sh_offset, strings.sh_size, &text)) {
      continue;
    }
    *searched = true;
    for (const Elf64_Sym& symbol : symbols) {
      if (symbol.st_name >= text.size() || text.size() - symbol.st_name <= name.size()) continue;
      if (std::memcmp(&text[symbol.st_name], name.data(), name.size()) != 0) continue;
      if (text[symbol.st_name + name.size()] == '\0' && symbol.st_shndx != SHN_UNDEF) return symbol;
    }
  }
  return std::nullopt;
}

std::optional<DescriptorHead> ReadHead(const File& file, const std::vector<Elf64_Phdr>& segments,
                                       std::uint64_t address) {
  static_assert(sizeof(DescriptorHead) == offsetof(weir_plugin_descriptor, name));
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const std::uint64_t inside = address - segment.p_vaddr;
    if (inside >= segment.p_filesz || segment.p_filesz - inside < sizeof(DescriptorHead)) continue;
    DescriptorHead head;
    if (file.Read(segment.p_offset + inside, &head, sizeof head)) return head;
  }
  return std::nullopt;
}

}  // namespace

ElfReport InspectElfFile(const std::string& path) {
  ElfReport report;
  File file(path);
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
  report.problem = file.Check();
  if (report.problem.empty()) report.problem = CheckHeader(file, &header);
  if (report.problem.empty()) report.problem = CheckSegments(file, header, &segments);
  if (!report.problem.empty()) return report;
  bool searched = false;
  const auto symbol = FindSymbol(file, header, WEIR_PLUGIN_SYMBOL, &searched);
  if (symbol) {
    report.descriptor = ReadHead(file, segments, symbol->st_value);
  } else if (searched) {
    report.problem = "is no plugin: it does not export the symbol " WEIR_PLUGIN_SYMBOL;
  }
  return report;
}

}  // namespace weir::plugins
