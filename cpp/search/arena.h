// Memory for trees, from a cache line on.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace muzero::search {

inline constexpr int kCacheLine = 64;

struct ArenaDelete {
  void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{kCacheLine}); }
};

using Arena = std::unique_ptr<std::byte[], ArenaDelete>;

inline Arena allocate_arena(std::size_t bytes) {
  return Arena(static_cast<std::byte*>(::operator new[](bytes, std::align_val_t{kCacheLine})));
}

}  // namespace muzero::search
