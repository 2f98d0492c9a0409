/* Runs the detector on the sound of a microphone and prints results on the console. */
#include <esp_log.h>

#include "microphone.h"

#include "run.h"

void app_main(void) {
    microphone_open();
    const char *failure = run();
    if (failure) {
        ESP_LOGE("detector", "%s", failure);
    }
}
