// The part of TensorFlow Lite Micro's resolver that network_tflm.cc uses. It counts operators.
#pragma once

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {
class MicroOpResolver {
  public:
    unsigned used = 0, most = 0;
};

template <unsigned int n_operators>
class MicroMutableOpResolver : public MicroOpResolver {
  public:
    MicroMutableOpResolver() { most = n_operators; }
    TfLiteStatus AddAveragePool2D() { return Add(); }
    TfLiteStatus AddConv2D() { return Add(); }
    TfLiteStatus AddExpandDims() { return Add(); }
    TfLiteStatus AddFullyConnected() { return Add(); }
    TfLiteStatus AddLogistic() { return Add(); }
    TfLiteStatus AddMaxPool2D() { return Add(); }
    TfLiteStatus AddReshape() { return Add(); }
    TfLiteStatus AddSqueeze() { return Add(); }

  private:
    TfLiteStatus Add() { return ++used <= most ? kTfLiteOk : kTfLiteError; }
};
}  // namespace tflite
