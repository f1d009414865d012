// Exploration noise at the root.
#pragma once

#include <cstdint>

namespace muzero::search {

// Mixes Dirichlet(alpha) noise over the allowed actions into a normalised prior:
// prior = (1 - fraction) * prior + fraction * noise. Depends on `seed` alone.
// `scratch` holds `actions` numbers.
void add_root_noise(std::uint64_t seed, double alpha, double fraction, const std::uint8_t* allowed,
                    int actions, float* prior, double* scratch);

// Standard Gumbel noise [A]; depends on `seed` alone. Number a is named by counter a.
void draw_gumbel(std::uint64_t seed, int actions, double* gumbel);

}  // namespace muzero::search
