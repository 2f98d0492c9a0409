/* Runs the detector on the sound of a microphone and prints results on the serial monitor.
 * An ESP32 reads an I2S microphone (microphone.h has its pins; version 3 of the ESP32 core), other
 * boards the PDM microphone that they have (pdm.h). */
#include <Arduino.h>
#include <detector.h>
#include <stdarg.h>

static void show(const char *format, ...) {
    char text[96];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    Serial.print(text);
}

#define SHOW(...) show(__VA_ARGS__)

#ifdef ARDUINO_ARCH_ESP32
#include "microphone.h"
#else
#include "pdm.h"
#endif

#include "run.h"

void setup() {
    Serial.begin(115200);
    microphone_open();
}

void loop() {
    const char *failure = run();
    if (failure) {
        Serial.println(failure);
    }
    delay(1000);
}
