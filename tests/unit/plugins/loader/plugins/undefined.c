/* A plugin that needs a symbol which nobody has. */
#include "plugins/abi/weir.h"

extern int32_t weir_test_nobody_has_this(const weir_host* host, char* error, size_t error_size);
extern const weir_plugin_descriptor weir_plugin;

WEIR_PLUGIN(undefined) = {.magic = WEIR_ABI_MAGIC,
                          .abi_major = WEIR_ABI_MAJOR,
                          .abi_minor = WEIR_ABI_MINOR,
                          .struct_size = sizeof(weir_plugin_descriptor),
                          .extension_count = 1,
                          .name = "undefined",
                          .version = "1",
                          .init = weir_test_nobody_has_this};
