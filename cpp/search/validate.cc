#include "search/validate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace muzero::search {
namespace {

void require(bool holds, const char* name, const char* rule) {
  if (!holds) throw SearchError(std::string(name) + " must be " + rule);
}

bool within(double value, double low, double high) { return value >= low && value <= high; }

}  // namespace

void validate_params(const Params& params, int outcomes, int threads) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  require(params.num_simulations >= 1, "num_simulations", "at least 1");
  require(params.depth_limit >= 1, "depth_limit", "at least 1");
  require(within(params.discount, 0.0, 1.0), "discount", "in [0, 1]");
  require(within(params.pb_c_init, 0.0, kLargest), "pb_c_init", "finite and not negative");
  require(within(params.pb_c_base, 1.0, kLargest), "pb_c_base", "finite and at least 1");
  require(within(params.root_dirichlet_alpha, 1e-3, kLargest), "root_dirichlet_alpha",
          "finite and at least 0.001");
  require(within(params.root_exploration_fraction, 0.0, 1.0), "root_exploration_fraction",
          "in [0, 1]");
  require(params.compatibility == Compatibility::kNone ||
              params.expansion == Expansion::kSingleOutcome,
          "expansion", "\"single_outcome\" for compatibility with mctx");
  require(params.compatibility == Compatibility::kNone || params.root == Root::kPuct, "root",
          "\"puct\" for compatibility with mctx");
  require(params.max_num_considered_actions >= 1, "max_num_considered_actions", "at least 1");
  require(params.leaves_per_step >= 1, "leaves_per_step", "at least 1");
  require(params.compatibility == Compatibility::kNone || params.leaves_per_step == 1,
          "leaves_per_step", "1 for compatibility with mctx");
  require(outcomes >= 1, "num_outcomes", "at least 1");
  require(threads >= 1 && threads <= 1024, "threads", "in 1 .. 1024");
  require(std::int64_t{params.num_simulations} * outcomes < std::numeric_limits<int>::max(),
          "num_simulations * num_outcomes", "below 2^31 - 1");
}

void validate_positions(const std::vector<std::int32_t>& next_position, int positions, int actions,
                        LegalActions legal_actions) {
  require(positions >= 1 && actions >= 1, "next_position",
          "of shape [P, A] with at least one position and one action");
  for (int p = 0; p < positions; ++p) {
    bool any_legal = false;
    for (int a = 0; a < actions; ++a) {
      const auto i = static_cast<std::size_t>(p) * static_cast<std::size_t>(actions) +
                     static_cast<std::size_t>(a);
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
  int any_bad = 0;  // as wide as a float, so that the compiler vectorizes a loop over everything
  for (std::size_t i = 0; i < count; ++i) any_bad |= !((values[i] >= low) & (values[i] <= high));
  if (any_bad == 0) return;
  const auto i = static_cast<std::size_t>(std::find_if(values, values + count, bad) - values);
  throw SearchError(std::string(name) + " of " + where(i) + " is " + std::to_string(values[i]) +
                    (range == Range::kNonNegative ? "; it must be finite and not negative"
                                                  : "; it must be finite"));
}

}  // namespace muzero::search
