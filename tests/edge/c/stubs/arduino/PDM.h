// The part of Arduino's library PDM that the sketch uses. The sound is that of the standard input,
// 16 bits; it comes while the sketch waits, and at its end the program ends.
#pragma once
#include <Arduino.h>

struct PdmStub {
    int16_t block[200];
    int bytes;
    void (*receive)();
    void onReceive(void (*function)()) { receive = function; }
    int begin(int, int) { return 1; }
    int available() { return bytes; }
    int read(void *buffer, size_t size) {
        const int taken = bytes < (int)size ? bytes : (int)size;
        for (int i = 0; i < taken / 2; i++) {
            ((int16_t *)buffer)[i] = block[(400 - bytes) / 2 + i];
        }
        bytes -= taken;
        return taken;
    }
    void deliver() {
        if (fread(block, 2, 200, stdin) != 200) {
            fflush(stdout);
            exit(0);
        }
        bytes = 400;
        receive();
    }
};
static PdmStub PDM;
#define yield() PDM.deliver()
