#include "networks/matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/integers.h"
#include "networks/rounding.h"

namespace muzero::networks {
namespace {

// Bytes of a weight, whichever way it is packed.
std::size_t weight_bytes(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return 4;
    case Precision::kBFloat16:
    case Precision::kFloat16:
      return 2;
    case Precision::kInt8:
      return 1;
  }
  return 0;
}

}  // namespace

Matrix::Matrix(const Arithmetic& arithmetic, int in, int out)
    : arithmetic_(arithmetic), in_(in), out_(out) {
  const std::size_t bytes = as_size(rounded_up(in, arithmetic.product().inputs)) *
                            as_size(padded(out)) * weight_bytes(arithmetic.precision);
  packed_ = allocate_aligned<std::byte>(bytes);
  std::fill_n(packed_.get(), bytes, std::byte{});
  if (arithmetic.precision != Precision::kInt8) return;
  scale_ = zeros(as_size(padded(out)));
  sums_ = allocate_aligned<std::int32_t>(as_size(padded(out)));
  std::fill_n(sums_.get(), padded(out), 0);
}

void Matrix::load(const float* weight, int row_stride) {
  for (int row = 0; row < out_; ++row, weight += row_stride) {
    switch (arithmetic_.precision) {
      case Precision::kFloat32:
        pack<float>(row, weight, [](float x) { return x; });
        break;
      case Precision::kBFloat16:
        pack<std::uint16_t>(row, weight, bfloat16_bits);
        break;
      case Precision::kFloat16:
        pack<std::uint16_t>(row, weight, float16_bits);
        break;
      case Precision::kInt8:
        pack_int8(row, weight);
        break;
    }
  }
}

template <typename T, typename Convert>
void Matrix::pack(int row, const float* weight, const Convert& convert) {
  const int panel = arithmetic_.product().panel, inputs = arithmetic_.product().inputs;
  const std::ptrdiff_t step = std::ptrdiff_t{panel} * inputs;
  const std::ptrdiff_t steps = divided_up(in_, inputs);
  T* to = reinterpret_cast<T*>(packed_.get()) + row / panel * steps * step + row % panel * inputs;
  for (int k = 0; k < in_; k += inputs, to += step) {
    for (int i = 0; i < inputs && k + i < in_; ++i) to[i] = convert(weight[k + i]);
  }
}

// To whole numbers from -127 to 127. A row that is not finite makes its outputs no numbers, which
// the search refuses.
void Matrix::pack_int8(int row, const float* weight) {
  float largest = 0.0f;
  bool finite = true;
  for (int k = 0; k < in_; ++k) {
    largest = std::max(largest, std::abs(weight[k]));
    finite = finite && std::isfinite(weight[k]);
  }
  const float scale = finite ? largest / 127.0f : std::numeric_limits<float>::quiet_NaN();
  std::int32_t sum = 0;
  pack<std::int8_t>(row, weight, [&](float x) {
    const auto whole = scale > 0.0f ? static_cast<std::int8_t>(std::nearbyint(x / scale)) : 0;
    sum += whole;
    return static_cast<std::int8_t>(whole);
  });
  scale_[as_size(row)] = scale;
  sums_[as_size(row)] = sum;
}

void Matrix::multiply(const float* x, const float* bias, int rows, float* y) const {
  arithmetic_.product().multiply({packed_.get(), bias, in_, out_, scale_.get(), sums_.get()}, x,
                                 rows, y);
}

}  // namespace muzero::networks
