/* The part of ESP-IDF's errors that the example uses. */
#pragma once
#include <stdlib.h>

typedef int esp_err_t;
#define ESP_ERROR_CHECK(call) ((call) ? abort() : (void)0)
