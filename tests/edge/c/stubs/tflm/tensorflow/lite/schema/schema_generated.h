// The part of TensorFlow Lite's schema that network_tflm.cc uses.
#pragma once
#include <cstdint>

#define TFLITE_SCHEMA_VERSION (3)

namespace tflite {
struct Model {
    uint32_t version() const { return TFLITE_SCHEMA_VERSION; }
};
inline const Model *GetModel(const void *content) { return static_cast<const Model *>(content); }
}  // namespace tflite
