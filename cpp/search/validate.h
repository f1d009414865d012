// Rejects invalid arguments with a SearchError before they reach a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "search/params.h"

namespace muzero::search {

// Also checks the number of outcomes and threads, and that a tree's slots fit their type.
void validate_params(const Params& params, int outcomes, int threads);

// Checks sizes, entries in [-1, P), and, if actions are masked, a legal one in every position.
void validate_positions(const std::vector<std::int32_t>& next_position, int positions, int actions,
                        LegalActions legal_actions);

// Valid values of a network's array.
enum class Range { kFinite, kNonNegative };

// Throws unless all `count` numbers are in range. `where` names the owner of number i for the
// message; it is called only for an invalid number.
void validate_array(const char* name, const float* values, std::size_t count, Range range,
                    const std::function<std::string(std::size_t)>& where);

// The same for rows of `width` numbers; `name_of` names a row. A null array is valid.
void validate_rows(const char* name, const float* values, std::size_t rows, int width, Range range,
                   const std::function<std::string(std::size_t)>& name_of);

// Throws if a row is all zero. A null array is valid.
void require_weight(const char* name, const float* values, std::size_t rows, int width,
                    const std::function<std::string(std::size_t)>& name_of);

}  // namespace muzero::search
