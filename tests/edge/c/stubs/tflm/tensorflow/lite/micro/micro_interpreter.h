// The part of TensorFlow Lite Micro's interpreter that network_tflm.cc uses. It runs network.c,
// which plain.c calls.
#pragma once
#include <cstddef>
#include <cstdint>

#include "model.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" int plain_run(const int8_t *input, int8_t *output);

union TfLitePtrUnion {
    float *f;
    int8_t *int8;
};
struct TfLiteTensor {
    TfLitePtrUnion data;
};

namespace tflite {
class MicroInterpreter {
  public:
    MicroInterpreter(const Model *, const MicroOpResolver &resolver, uint8_t *arena, size_t size)
        : complete_(resolver.used == resolver.most) {
        input_.data.int8 = reinterpret_cast<int8_t *>(arena);
        output_.data.int8 = input_.data.int8 + INPUT_SIZE;
        fits_ = size >= INPUT_SIZE + OUTPUT_SIZE;
    }
    TfLiteStatus AllocateTensors() {
        return complete_ && fits_ ? kTfLiteOk : kTfLiteError;
    }
    TfLiteStatus Invoke() {
        return plain_run(input_.data.int8, output_.data.int8) == 0 ? kTfLiteOk : kTfLiteError;
    }
    TfLiteTensor *input(size_t) { return &input_; }
    TfLiteTensor *output(size_t) { return &output_; }

  private:
    bool complete_, fits_;
    TfLiteTensor input_, output_;
};
}  // namespace tflite
