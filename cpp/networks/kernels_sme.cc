// Products by SME, Arm's matrix unit: Apple's processors from the M4 on.
//
// An outer product adds the products of all pairs from two vectors to a square
// of sums, each in a fused multiply-add, so that a sum runs over the inputs in
// the order of every other kernel and finds the same bits. BFMOPA and the FMOPA
// of float16 add two products at once and round otherwise; these formats are
// widened to float32 instead, at which the M4 is as fast (Remke and Breuer,
// arXiv 2409.18779).
//
// Only functions that are marked as streaming may hold SVE instructions:
// Apple's processors have them in streaming mode alone. Nothing is called from
// there, not even memcpy.
#if defined(MUZERO_SME)
#include "networks/kernels_sme.h"

#include <arm_sme.h>

#include <type_traits>

#define MUZERO_TARGET
#define MUZERO_LANES 4
#define MUZERO_PANEL_VECTORS 4
#define MUZERO_BLOCK_ROWS 6

#include "networks/kernels_multiply.h"

// Routines that the procedure call standard asks for (AAPCS64, "SME support
// routines"). Newer compilers' libraries have them, older ones and the oldest
// macOS that we support have not.
//   __arm_tpidr2_save     saves the array that a caller further up has left
//                         unsaved, to the block that TPIDR2_EL0 names; called
//                         by functions with an array of their own
//   __arm_get_current_vg  length of a vector in 64 bits, in streaming mode or
//                         with SVE, else 0; for unwinders, not called on macOS.
//                         Changes no other register.
asm(R"(
    .text
    .arch_extension sme
    .p2align 2
)"
#if defined(__APPLE__)
    R"(
    .private_extern ___arm_tpidr2_save
___arm_tpidr2_save:
)"
#else
    R"(
    .hidden __arm_tpidr2_save
    .globl __arm_tpidr2_save
    .type __arm_tpidr2_save, %function
    .hidden __arm_get_current_vg
    .globl __arm_get_current_vg
    .type __arm_get_current_vg, %function
__arm_get_current_vg:
    mrs x0, SVCR
    tbnz x0, #0, 1f
    mrs x0, ID_AA64PFR0_EL1
    ubfx x0, x0, #32, #4
    cbz x0, 2f
1:
    cntd x0
2:
    ret
__arm_tpidr2_save:
)"
#endif
    R"(
    mrs x16, TPIDR2_EL0
    cbz x16, 2f
    ldrh w14, [x16, #8]
    ldr x16, [x16]
    cbz w14, 2f
    cbz x16, 2f
    mov w15, wzr
1:
    str za[w15, 0], [x16]
    addsvl x16, x16, #1
    add w15, w15, #1
    cmp w14, w15
    b.ne 1b
2:
    ret
)");

#define MUZERO_SME_TARGET __attribute__((target("sme")))
// Part of a function that has entered streaming mode and has an array.
#define MUZERO_STREAMING_INLINE MUZERO_SME_TARGET __attribute__((always_inline)) inline

namespace muzero::networks {
namespace {

constexpr int kSmePanel = kSmeLongest;

// A product as streaming code takes it. A row in any format is so many words of
// 32 bits.
struct Job {
  const std::byte* weights;  // panels of kSmePanel columns
  const float* bias;
  const std::uint32_t* x;  // [rows, stride]
  std::int64_t stride;
  std::uint32_t* columns;  // x transposed: [words, width]
  std::int64_t width;
  std::int64_t words;
  std::int64_t steps;
  std::int64_t rows;
  std::int64_t out;
  float* y;  // [rows, y_stride]
  std::int64_t y_stride;
};

// How a format is multiplied: words of a row in a step, bytes of a weight, and
// whether sums begin with the bias.
struct SmeFloat32 : Float32 {
  static constexpr int kWords = 1, kBytes = 4;
  static constexpr bool kBiasFirst = true;
};
struct SmeBFloat16 : BFloat16 {
  static constexpr int kWords = 2, kBytes = 4;
  static constexpr bool kBiasFirst = false;
};
struct SmeFloat16 : Float16 {
  static constexpr int kWords = 1, kBytes = 2;
  static constexpr bool kBiasFirst = true;
};

// Weights of a vector of columns; of a pair, those at kWord.
template <typename F, int kWord>
MUZERO_STREAMING_INLINE auto column_weights(const std::byte* from) __arm_streaming {
  const svbool_t all = svptrue_b32();
  if constexpr (std::is_same_v<F, SmeFloat16>) {
    const auto* halves = reinterpret_cast<const std::uint16_t*>(from);
    return svcvt_f32_f16_x(all, svreinterpret_f16_u32(svld1uh_u32(all, halves)));
  } else {
    const svuint32_t words = svld1_u32(all, reinterpret_cast<const std::uint32_t*>(from));
    if constexpr (std::is_same_v<F, SmeFloat32>) {
      return svreinterpret_f32_u32(words);
    } else if constexpr (kWord == 0) {
      return svreinterpret_f32_u32(svlsl_n_u32_x(all, words, 16));
    } else {
      return svreinterpret_f32_u32(svand_n_u32_x(all, words, 0xffff0000u));
    }
  }
}

// The same word of a vector of rows.
MUZERO_STREAMING_INLINE svfloat32_t row_words(const std::uint32_t* from) __arm_streaming {
  return svreinterpret_f32_u32(svld1_u32(svptrue_b32(), from));
}

template <int kTile>
MUZERO_STREAMING_INLINE void add_outer(svfloat32_t rows,
                                       svfloat32_t columns) __arm_streaming __arm_inout("za") {
  svmopa_za32_f32_m(kTile, svptrue_b32(), svptrue_b32(), rows, columns);
}
// The four squares of sums are two by two, or side by side where there are no
// more rows.
constexpr int column_tiles(bool wide) { return wide ? 4 : 2; }

struct Columns {
  const std::byte* at[4];
};

template <typename F, bool kWide, int kWord>
MUZERO_STREAMING_INLINE void add_word(const Columns& weights, std::int64_t offset,
                                      const std::uint32_t* x) __arm_streaming __arm_inout("za") {
  const auto r0 = row_words(x);
  const auto c0 = column_weights<F, kWord>(weights.at[0] + offset);
  const auto c1 = column_weights<F, kWord>(weights.at[1] + offset);
  add_outer<0>(r0, c0);
  add_outer<1>(r0, c1);
  if constexpr (kWide) {
    add_outer<2>(r0, column_weights<F, kWord>(weights.at[2] + offset));
    add_outer<3>(r0, column_weights<F, kWord>(weights.at[3] + offset));
  } else {
    const auto r1 = row_words(x + svcntw());
    add_outer<2>(r1, c0);
    add_outer<3>(r1, c1);
  }
}

template <int kTile>
MUZERO_STREAMING_INLINE void start_with(svfloat32_t bias,
                                        std::int64_t rows) __arm_streaming __arm_inout("za") {
  for (std::int64_t r = 0; r < rows; ++r) {
    svwrite_hor_za32_f32_m(kTile, static_cast<std::uint32_t>(r), svptrue_b32(), bias);
  }
}

template <typename F, int kTile>
MUZERO_STREAMING_INLINE void store_sums(const Job& job, std::int64_t row,
                                        std::int64_t column) __arm_streaming __arm_inout("za") {
  const svbool_t all = svptrue_b32();
  const auto lanes = static_cast<std::int64_t>(svcntw());
  if (column >= job.out) return;
  const std::int64_t rows = job.rows - row < lanes ? job.rows - row : lanes;
  const svfloat32_t bias = svld1_f32(all, job.bias + column);
  float* y = job.y + row * job.y_stride + column;
  for (std::int64_t r = 0; r < rows; ++r, y += job.y_stride) {
    const auto slice = static_cast<std::uint32_t>(r);
    const svfloat32_t sum = svread_hor_za32_f32_m(svdup_f32(0), all, kTile, slice);
    svst1_f32(all, y, F::kBiasFirst ? sum : svadd_f32_x(all, sum, bias));
  }
}

// Rows from `row` on by columns from `column` on, four squares of sums.
template <typename F, bool kWide>
MUZERO_STREAMING_INLINE void multiply_squares(
    const Job& job, std::int64_t row, std::int64_t column) __arm_streaming __arm_inout("za") {
  const auto lanes = static_cast<std::int64_t>(svcntw());
  // Columns beyond the last are computed from the first and not stored.
  Columns weights{};
  for (int v = 0; v < column_tiles(kWide); ++v) {
    const std::int64_t c = column + v * lanes < job.out ? column + v * lanes : 0;
    const std::int64_t place = c / kSmePanel * job.steps * kSmePanel + c % kSmePanel;
    weights.at[v] = job.weights + place * F::kBytes;
  }
  const auto at = [&](int v) { return column + (column + v * lanes < job.out ? v * lanes : 0); };
  svzero_za();
  if constexpr (F::kBiasFirst) {
    const svbool_t all = svptrue_b32();
    const svfloat32_t b0 = svld1_f32(all, job.bias + at(0)), b1 = svld1_f32(all, job.bias + at(1));
    start_with<0>(b0, lanes);
    start_with<1>(b1, lanes);
    start_with<2>(kWide ? svld1_f32(all, job.bias + at(2)) : b0, lanes);
    start_with<3>(kWide ? svld1_f32(all, job.bias + at(3)) : b1, lanes);
  }
  const std::uint32_t* x = job.columns + row;
  for (std::int64_t step = 0; step < job.steps; ++step, x += F::kWords * job.width) {
    const std::int64_t offset = step * kSmePanel * F::kBytes;
    if constexpr (F::kWords == 2) add_word<F, kWide, 1>(weights, offset, x + job.width);
    add_word<F, kWide, 0>(weights, offset, x);
  }
  store_sums<F, 0>(job, row, column);
  store_sums<F, 1>(job, row, column + lanes);
  if constexpr (kWide) {
    store_sums<F, 2>(job, row, column + 2 * lanes);
    store_sums<F, 3>(job, row, column + 3 * lanes);
  } else {
    store_sums<F, 2>(job, row + lanes, column);
    store_sums<F, 3>(job, row + lanes, column + lanes);
  }
}

// Rows go into a square of the array and columns come out.
MUZERO_STREAMING_INLINE void transpose(const Job& job) __arm_streaming __arm_inout("za") {
  const auto lanes = static_cast<std::int64_t>(svcntw());
  svzero_za();
  for (std::int64_t row = 0; row < job.rows; row += lanes) {
    for (std::int64_t word = 0; word < job.words; word += lanes) {
      const svbool_t some = svwhilelt_b32_s64(word, job.words);
      for (std::int64_t r = 0; r < lanes && row + r < job.rows; ++r) {
        svld1_hor_za32(0, static_cast<std::uint32_t>(r), some,
                       job.x + (row + r) * job.stride + word);
      }
      for (std::int64_t w = 0; w < lanes && word + w < job.words; ++w) {
        svst1_ver_za32(0, static_cast<std::uint32_t>(w), svptrue_b32(),
                       job.columns + (word + w) * job.width + row);
      }
    }
  }
}

template <typename F>
__arm_locally_streaming __arm_new("za") MUZERO_SME_TARGET
    __attribute__((noinline)) void multiply_streaming(const Job& job) noexcept {
  const auto lanes = static_cast<std::int64_t>(svcntw());
  transpose(job);
  std::int64_t row = 0;
  for (; job.rows - row > lanes; row += 2 * lanes) {
    for (std::int64_t column = 0; column < job.out; column += 2 * lanes) {
      multiply_squares<F, false>(job, row, column);
    }
  }
  if (row >= job.rows) return;
  for (std::int64_t column = 0; column < job.out; column += 4 * lanes) {
    multiply_squares<F, true>(job, row, column);
  }
}

template <typename F>
void multiply_sme(const Panels& panels, const float* x, int rows, float* y) {
  using Row = typename F::Row;
  static_assert(F::kElements * sizeof(Row) == F::kWords * sizeof(std::uint32_t));
  const std::ptrdiff_t stride = padded(panels.in), columns = padded(panels.out);
  const int steps = divided_up(panels.in, F::kInputs);
  // Room for two vectors of rows, of any length.
  const int width = rounded_up(rows, 2 * kSmeLongest);
  const std::size_t transposed = as_size(width) * as_size(steps * F::kWords) * 4;
  const std::size_t rounded = F::kRounds ? padded_area(rows, panels.in) * sizeof(Row) : 0;
  std::byte* memory = scratch(transposed + rounded);
  const void* from = x;
  if constexpr (F::kRounds) {
    Row* to = reinterpret_cast<Row*>(memory + transposed);
    for (int r = 0; r < rows; ++r) {
      F::round(x + r * stride, panels.in, to + r * stride);
    }
    from = to;
  }
  multiply_streaming<F>({.weights = static_cast<const std::byte*>(panels.weights),
                         .bias = panels.bias,
                         .x = static_cast<const std::uint32_t*>(from),
                         .stride = stride * static_cast<std::ptrdiff_t>(sizeof(Row)) / 4,
                         .columns = reinterpret_cast<std::uint32_t*>(memory),
                         .width = width,
                         .words = steps * F::kWords,
                         .steps = steps,
                         .rows = rows,
                         .out = panels.out,
                         .y = y,
                         .y_stride = columns});
  const int padding = rounded_up(panels.out, sme_lanes());
  for (int r = 0; r < rows; ++r, y += columns) {
    for (std::ptrdiff_t i = padding; i < columns; ++i) y[i] = panels.bias[i];
  }
}

template <typename F>
constexpr Product sme_product(const char* instructions) {
  return {instructions, kSmePanel, F::kInputs, multiply_sme<F>};
}

}  // namespace

MUZERO_SME_TARGET int sme_lanes() { return static_cast<int>(svcntsw()); }

Kernels with_sme(const Kernels& others) {
  Kernels kernels = others;
  kernels.name = "sme";
  kernels.products[static_cast<int>(Precision::kFloat32)] = sme_product<SmeFloat32>("SME FMOPA");
  kernels.products[static_cast<int>(Precision::kBFloat16)] = sme_product<SmeBFloat16>("SME FMOPA");
  kernels.products[static_cast<int>(Precision::kFloat16)] = sme_product<SmeFloat16>("SME FMOPA");
  return kernels;
}

}  // namespace muzero::networks
#endif
