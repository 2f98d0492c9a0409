// The network, run by TensorFlow Lite Micro, for example esp-tflite-micro, where NETWORK_TFLM is
// defined for all files.
#ifdef NETWORK_TFLM
#include "network.h"

#include <cstring>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {
using Interpreter = tflite::MicroInterpreter;
using Operators = tflite::MicroMutableOpResolver<MODEL_OPERATOR_COUNT>;
static_assert(sizeof(Interpreter) <= NETWORK_INTERPRETER, "raise NETWORK_INTERPRETER");
static_assert(sizeof(Operators) <= NETWORK_OPERATORS, "raise 96 in NETWORK_OPERATORS");

Interpreter *interpreter_of(network_t *network) {
    return reinterpret_cast<Interpreter *>(network->interpreter);
}
}  // namespace

extern "C" int network_init(network_t *network) {
    const tflite::Model *model = tflite::GetModel(model_data);
    if (network == nullptr || model->version() != TFLITE_SCHEMA_VERSION) {
        return 1;
    }
    Operators &resolver = *new (network->operators) Operators;
    MODEL_ADD_OPERATORS(resolver)
    uint8_t *arena = reinterpret_cast<uint8_t *>(network->arena);
    new (network->interpreter) Interpreter(model, resolver, arena, sizeof network->arena);
    return interpreter_of(network)->AllocateTensors() == kTfLiteOk ? 0 : 2;
}

extern "C" int network_run(network_t *network, const int8_t input[INPUT_SIZE],
                           int8_t output[OUTPUT_SIZE]) {
    Interpreter *interpreter = interpreter_of(network);
    std::memcpy(interpreter->input(0)->data.int8, input, INPUT_SIZE);
    if (interpreter->Invoke() != kTfLiteOk) {
        return 1;
    }
    std::memcpy(output, interpreter->output(0)->data.int8, OUTPUT_SIZE);
    return 0;
}
#endif
