// The network, run by TensorFlow Lite Micro, for example esp-tflite-micro. Link either this file or
// network.c.
#include "network.h"

#include <cstring>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {
alignas(16) uint8_t arena[TENSOR_ARENA_SIZE];
tflite::MicroInterpreter *interpreter = nullptr;
}  // namespace

extern "C" int network_init(void) {
    if (interpreter != nullptr) {
        return 0;
    }
    const tflite::Model *model = tflite::GetModel(model_data);
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        return 1;
    }
    static tflite::MicroMutableOpResolver<MODEL_OPERATOR_COUNT> resolver;
    MODEL_ADD_OPERATORS(resolver)
    static tflite::MicroInterpreter only(model, resolver, arena, sizeof arena);
    if (only.AllocateTensors() != kTfLiteOk) {
        return 2;
    }
    interpreter = &only;
    return 0;
}

extern "C" int network_run(const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]) {
    std::memcpy(interpreter->input(0)->data.int8, input, INPUT_SIZE);
    if (interpreter->Invoke() != kTfLiteOk) {
        return 1;
    }
    std::memcpy(output, interpreter->output(0)->data.int8, OUTPUT_SIZE);
    return 0;
}
