// Exploration noise at the root.
#pragma once

#include <cstdint>
#include <vector>

namespace muzero::search {

// Mixes Dirichlet(alpha) noise over the allowed actions into a normalised prior:
// prior = (1 - fraction) * prior + fraction * noise. Depends on `seed` alone.
// `scratch` holds at least `actions` numbers.
void add_root_noise(std::uint64_t seed, double alpha, double fraction,
                    const std::uint8_t* allowed, int actions, float* prior,
                    std::vector<double>& scratch);

}  // namespace muzero::search
