/* ESP-IDF's attributes; here none. */
#pragma once
#define EXT_RAM_BSS_ATTR
