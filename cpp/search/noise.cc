#include "search/noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "search/masked_softmax.h"
#include "search/rng.h"

namespace muzero::search {
namespace {

// Box-Muller; the second number of the pair is dropped to keep the generator stateless.
double standard_normal(CounterRng& rng) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - rng.uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * rng.uniform());
}

// Logarithm of a Gamma(alpha, 1) number (Marsaglia and Tsang 2000). Below alpha = 1 it is
// Gamma(alpha + 1) times U^(1/alpha), which underflows for small alpha unless kept as a logarithm.
double log_gamma_variate(CounterRng& rng, double alpha) {
  if (alpha < 1.0) {
    const double boosted = log_gamma_variate(rng, alpha + 1.0);
    return boosted + std::log(1.0 - rng.uniform()) / alpha;
  }
  const double d = alpha - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = standard_normal(rng);
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(1.0 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d * v);
    }
  }
}

}  // namespace

void add_root_noise(std::uint64_t seed, double alpha, double fraction, const std::uint8_t* allowed,
                    int actions, float* prior, double* scratch) {
  CounterRng rng(seed);
  for (int a = 0; a < actions; ++a) {
    if (allowed[a]) scratch[a] = log_gamma_variate(rng, alpha);
  }
  masked_softmax(allowed, actions, scratch);  // Gamma numbers over their sum: a Dirichlet sample
  for (int a = 0; a < actions; ++a) {
    if (!allowed[a]) continue;
    prior[a] = static_cast<float>((1.0 - fraction) * prior[a] + fraction * scratch[a]);
  }
}

void draw_gumbel(std::uint64_t seed, int actions, double* gumbel) {
  constexpr double kLeast = 0x1.0p-53;  // where the exponential variate rounds to zero
  CounterRng rng(seed);
  for (int a = 0; a < actions; ++a) {
    gumbel[a] = -std::log(std::max(-std::log(1.0 - rng.uniform()), kLeast));
  }
}

}  // namespace muzero::search
