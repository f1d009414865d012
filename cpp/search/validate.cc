#include "search/validate.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>

#include "common/integers.h"

namespace muzero::search {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();
// A value converted to float32 has to fit.
constexpr double kMaxFloat = std::numeric_limits<float>::max();

void require(bool holds, const char* name, const std::string& rule) {
  if (!holds) throw SearchError(std::string(name) + " must be " + rule);
}

std::string rule_of(int low, int high) {
  if (high == kMaxInt) return "at least " + std::to_string(low);
  return "in " + std::to_string(low) + " .. " + std::to_string(high);
}

std::string rule_of(double low, double high) {
  std::ostringstream rule;
  if (high < kMaxFloat) {
    rule << "in [" << low << ", " << high << "]";
  } else if (low > 0.0) {
    rule << "finite and at least " << low;
  } else {
    rule << "finite and not negative";
  }
  return rule.str();
}

template <typename T>
void require_within(const char* name, T value, T low, T high) {
  require(value >= low && value <= high, name, rule_of(low, high));
}

}  // namespace

void validate_params(const Params& params, int outcomes, int threads) {
#define NUMBER(type, name, standard, lowest, highest) \
  require_within<type>(#name, params.name, lowest, highest);
#include "search/params.def"
  if (params.compatibility == Compatibility::kMctx) {
    require(params.expansion == Expansion::kSingleOutcome, "expansion",
            "\"single_outcome\" for compatibility with mctx");
    require(params.root == Root::kPuct, "root", "\"puct\" for compatibility with mctx");
    require(params.leaves_per_step == 1, "leaves_per_step", "1 for compatibility with mctx");
  }
  require_within("num_outcomes", outcomes, 1, kMaxInt);
  require_within("threads", threads, 1, 1024);
  require(std::int64_t{params.num_simulations} * outcomes < kMaxInt,
          "num_simulations * num_outcomes", "below 2^31 - 1");
}

void validate_positions(const std::vector<std::int32_t>& next_position, int positions, int actions,
                        LegalActions legal_actions) {
  require(positions >= 1 && actions >= 1, "next_position",
          "of shape [P, A] with at least one position and one action");
  for (int p = 0; p < positions; ++p) {
    bool any_legal = false;
    for (int a = 0; a < actions; ++a) {
      const auto i = as_size(p) * as_size(actions) + as_size(a);
      const std::int32_t next = next_position[i];
      if (next < -1 || next >= positions) {
        throw SearchError("next_position[" + std::to_string(p) + ", " + std::to_string(a) +
                          "] is " + std::to_string(next) + "; it must be -1 (illegal) or below " +
                          std::to_string(positions));
      }
      any_legal |= next >= 0;
    }
    if (!any_legal && legal_actions != LegalActions::kOff) {
      throw SearchError("next_position[" + std::to_string(p) +
                        "] has no legal action; give it one or set legal_actions = \"off\"");
    }
  }
}

void validate_array(const char* name, const float* values, std::size_t count, Range range,
                    const std::function<std::string(std::size_t)>& where) {
  const float low = range == Range::kNonNegative ? 0.0f : std::numeric_limits<float>::lowest();
  const float high = std::numeric_limits<float>::max();
  const auto bad = [=](float x) { return !(x >= low && x <= high); };
  int any_bad = 0;  // as wide as a float, so that the compiler vectorizes the loop
  for (std::size_t i = 0; i < count; ++i) any_bad |= !((values[i] >= low) & (values[i] <= high));
  if (any_bad == 0) return;
  const auto i = static_cast<std::size_t>(std::find_if(values, values + count, bad) - values);
  throw SearchError(std::string(name) + " of " + where(i) + " is " + std::to_string(values[i]) +
                    (range == Range::kNonNegative ? "; it must be finite and not negative"
                                                  : "; it must be finite"));
}

void validate_rows(const char* name, const float* values, std::size_t rows, int width, Range range,
                   const std::function<std::string(std::size_t)>& name_of) {
  if (values == nullptr) return;
  const std::size_t stride = as_size(width);
  validate_array(name, values, rows * stride, range, [&](std::size_t i) {
    return name_of(i / stride) + " (row " + std::to_string(i / stride) + ", entry " +
           std::to_string(i % stride) + ")";
  });
}

void require_weight(const char* name, const float* values, std::size_t rows, int width,
                    const std::function<std::string(std::size_t)>& name_of) {
  if (values == nullptr) return;
  for (std::size_t row = 0; row < rows; ++row, values += width) {
    if (std::all_of(values, values + width, [](float p) { return p == 0.0f; })) {
      throw SearchError(std::string(name) + " of " + name_of(row) + " are all zero");
    }
  }
}

}  // namespace muzero::search
