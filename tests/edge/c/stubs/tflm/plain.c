/* The network in plain C, for the stand-in of TensorFlow Lite Micro's interpreter. */
#define network_init plain_network_init
#define network_run plain_network_run
#include "network.c"

int plain_run(const int8_t *input, int8_t *output);

int plain_run(const int8_t *input, int8_t *output) {
    static network_t network;
    return plain_network_init(&network) || plain_network_run(&network, input, output);
}
