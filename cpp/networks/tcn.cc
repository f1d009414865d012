#include "networks/tcn.h"

#include <algorithm>
#include <cstddef>

#include "networks/rows.h"

namespace muzero::networks {

TcnWorkspace::TcnWorkspace(int rows, int values, int most_taps)
    : x(zeros(padded_area(rows, values))),
      inner(zeros(padded_area(rows, values))),
      outer(zeros(padded_area(rows, values))),
      skip(zeros(padded_area(rows, values))),
      taps(zeros(padded_area(rows, most_taps))) {}

CausalConv::CausalConv(const Arithmetic& arithmetic, int in, int out, int kernel, int dilation)
    : in_(in), kernel_(kernel), dilation_(dilation), taps_(arithmetic, kernel * in, out) {}

void CausalConv::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  taps_.add_parameters(name + ".taps", parameters);
}

void CausalConv::operator()(const float* x, Windows windows, float* taps, float* y) const {
  const std::ptrdiff_t stride = padded(in_);
  float* row = taps;
  for (int w = 0; w < windows.count; ++w, x += windows.bars * stride) {
    for (int t = 0; t < windows.bars; ++t, row += padded(kernel_ * in_)) {
      float* to = row;
      for (int k = 0; k < kernel_; ++k, to += in_) {
        const int from = t - (kernel_ - 1 - k) * dilation_;
        if (from < 0) {
          std::fill_n(to, in_, 0.0f);
        } else {
          std::copy_n(x + from * stride, in_, to);
        }
      }
    }
  }
  taps_(taps, windows.rows(), y);
}

TemporalBlock::TemporalBlock(const Arithmetic& arithmetic, int in, int out, int kernel,
                             int dilation)
    : out_(out),
      conv_1_(arithmetic, in, out, kernel, dilation),
      conv_2_(arithmetic, out, out, kernel, dilation) {
  if (in != out) residual_.emplace(arithmetic, in, out);
}

void TemporalBlock::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  conv_1_.add_parameters(name + ".conv_1", parameters);
  conv_2_.add_parameters(name + ".conv_2", parameters);
  if (residual_) residual_->add_parameters(name + ".residual", parameters);
}

void TemporalBlock::operator()(Windows windows, TcnWorkspace& workspace) const {
  const std::size_t count = padded_area(windows.rows(), out_);
  float* x = workspace.x.get();
  float* inner = workspace.inner.get();
  float* outer = workspace.outer.get();
  conv_1_(x, windows, workspace.taps.get(), inner);
  relu(count, inner);
  conv_2_(inner, windows, workspace.taps.get(), outer);
  relu(count, outer);
  if (residual_) {
    (*residual_)(x, windows.rows(), workspace.skip.get());
    std::copy_n(workspace.skip.get(), count, x);
  }
  for (std::size_t i = 0; i < count; ++i) x[i] += outer[i];
  relu(count, x);
}

TemporalEncoder::TemporalEncoder(const Arithmetic& arithmetic, int features, int channels,
                                 int kernel)
    : widest_(std::max(features, channels)),
      kernel_(kernel),
      output_(arithmetic, channels, channels) {
  int in = features;
  for (const int dilation : kDilations) {
    blocks_.emplace_back(arithmetic, in, channels, kernel, dilation);
    in = channels;
  }
}

void TemporalEncoder::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].add_parameters(name + ".blocks." + std::to_string(i), parameters);
  }
  output_.add_parameters(name + ".output", parameters);
}

TcnWorkspace TemporalEncoder::workspace(int rows) const {
  return {rows, widest_, kernel_ * widest_};
}

void TemporalEncoder::operator()(Windows windows, TcnWorkspace& workspace) const {
  for (const TemporalBlock& block : blocks_) block(windows, workspace);
  output_(workspace.x.get(), windows.rows(), workspace.inner.get());
}

}  // namespace muzero::networks
