// The part of an Arduino core that the sketch uses, and a program around it.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct SerialStub {
    void begin(unsigned long) {}
    void print(const char *text) { fputs(text, stdout); }
    void println(const char *text) { puts(text); }
};
static SerialStub Serial;

static inline void delay(unsigned long) {}
static inline void yield() {}

void setup();
void loop();
int main() {
    setup();
    for (;;) {
        loop();
    }
}
