/* The part of FreeRTOS that the example uses. */
#pragma once
#define portMAX_DELAY 0xffffffffu
#define configMAX_PRIORITIES 25
