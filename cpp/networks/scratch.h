// Memory for the rows of a product while they are multiplied.
#pragma once

#include <cstddef>

namespace muzero::networks {

// At least `bytes` of memory of the calling thread, aligned to a cache line. It is uninitialized,
// and the thread's next call may return it again.
std::byte* scratch(std::size_t bytes);

}  // namespace muzero::networks
