// The temporal encoder of windows of bars, as in mlx_muzero/networks/tcn.py, but with batch norm
// folded into the convolutions' weights.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/dense.h"
#include "networks/floats.h"
#include "networks/parameter.h"

namespace muzero::networks {

// Number of windows, and of bars in each. There is a row for each bar, window by window.
struct Windows {
  int count;
  int bars;

  int rows() const { return count * bars; }
};

// Buffers for the windows in progress in one thread, [rows, padded(values)].
struct TcnWorkspace {
  TcnWorkspace(int rows, int values, int taps);

  Floats x;      // input and output of a block
  Floats inner;  // between the convolutions of a block
  Floats outer;  // output of the second convolution
  Floats skip;   // residual, if x has another width
  Floats taps;   // inputs of a convolution at each row
};

// Output t depends on inputs t, t - dilation, ..., none after t; zeros precede the window.
class CausalConv {
 public:
  CausalConv(const Arithmetic& arithmetic, int in, int out, int kernel, int dilation);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  // x [rows, padded(in)] -> y [rows, padded(out)]; `taps` holds [rows, padded(kernel * in)].
  void operator()(const float* x, Windows windows, float* taps, float* y) const;

 private:
  int in_;
  int kernel_;
  int dilation_;
  Dense taps_;
};

// x = relu(skip(x) + relu(conv_2(relu(conv_1(x))))), where skip is linear if widths differ.
class TemporalBlock {
 public:
  TemporalBlock(const Arithmetic& arithmetic, int in, int out, int kernel, int dilation);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  void operator()(Windows windows, TcnWorkspace& workspace) const;

 private:
  int out_;
  CausalConv conv_1_;
  CausalConv conv_2_;
  std::optional<Dense> residual_;
};

class TemporalEncoder {
 public:
  TemporalEncoder(const Arithmetic& arithmetic, int features, int channels, int kernel);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  TcnWorkspace workspace(int rows) const;
  // workspace.x [rows, padded(F)] -> workspace.inner [rows, padded(channels)].
  void operator()(Windows windows, TcnWorkspace& workspace) const;

 private:
  static constexpr std::array<int, 3> kDilations{1, 2, 4};

  int widest_;  // maximum values per bar, before or after any layer
  int kernel_;
  std::vector<TemporalBlock> blocks_;
  Dense output_;
};

}  // namespace muzero::networks
