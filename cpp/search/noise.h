// Exploration noise at the root.
#pragma once

#include <cstdint>

namespace muzero::search {

// Mixes Dirichlet(alpha) noise over the allowed actions into a normalized prior:
// prior = (1 - fraction) * prior + fraction * noise. Depends only on `seed`.
// `scratch` has room for `actions` numbers.
void add_root_noise(std::uint64_t seed, double alpha, double fraction, const std::uint8_t* allowed,
                    int actions, float* prior, double* scratch);

// Standard Gumbel noise [A]; depends only on `seed`. Number a is keyed by counter a.
void draw_gumbel(std::uint64_t seed, int actions, double* gumbel);

}  // namespace muzero::search
