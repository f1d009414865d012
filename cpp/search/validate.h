// Checks that turn bad arguments into SearchErrors before they touch a tree.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "search/params.h"

namespace muzero::search {

// Also the sizes: outcomes, threads, and that one tree's slots can be numbered.
void validate_params(const Params& params, int outcomes, int threads);

// Sizes, entries in [-1, P), and a legal action in every position unless nothing is masked.
void validate_positions(const std::vector<std::int32_t>& next_position, int positions, int actions,
                        LegalActions legal_actions);

// What a network array may hold.
enum class Range { kFinite, kNonNegative };

// Throws unless all `count` numbers are in range. `where` names the owner of number i for the
// message; it is called only for a bad one.
void validate_array(const char* name, const float* values, std::size_t count, Range range,
                    const std::function<std::string(std::size_t)>& where);

}  // namespace muzero::search
