/* The part of ESP-IDF's errors that the example uses. */
#pragma once
#include <stdlib.h>
#define ESP_OK 0
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERROR_CHECK(call) ((call) != ESP_OK ? abort() : (void)0)
