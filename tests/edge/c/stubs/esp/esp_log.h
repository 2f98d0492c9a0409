/* The part of ESP-IDF's log that the example uses. */
#pragma once
#include <stdio.h>
#define ESP_LOGE(tag, ...) (fprintf(stderr, "%s: ", tag), fprintf(stderr, __VA_ARGS__))
#define ESP_LOGW ESP_LOGE
